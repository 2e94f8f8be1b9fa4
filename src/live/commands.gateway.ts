import { Logger } from '@nestjs/common';
import type { Socket } from 'socket.io';
import type { DeviceCommand } from '../devices/device-command.js';
import { problemOf } from '../platform/http/problem.filter.js';
import { Problem } from '../platform/http/problem.js';
import { valueDeeperThan } from '../platform/json-depth.js';
import type { Connection } from './connection.js';
import { connectionOf } from './live.channel.js';
import { MAX_DEBT } from './toll.gateway.js';
import type { OnPacket } from './wire.gateway.js';

/** CONTRACT §4. */
const MAX_DEPTH = 16;

type Ack = (answer: unknown) => void;
type Listener = (this: Socket, ...args: unknown[]) => void;

/**
 * Takes what devices ask and acknowledges it. The listeners are attached to the socket directly, one function for all
 * sockets: Nest's pipeline costs 7 µs a message, and a closure a socket costs memory.
 */
export class CommandDesk {
  private readonly log = new Logger('live');
  private readonly listeners: readonly (readonly [string, Listener])[];
  private readonly count: Listener;
  /** Takes an acknowledgement; one that nobody waits for is a frame like any other. */
  readonly takeAck: OnPacket;

  constructor(commands: readonly DeviceCommand[]) {
    const listener = (command: DeviceCommand): Listener => {
      const answer = (socket: Socket, args: unknown[]) => this.answer(command, socket, args);
      return function (this: Socket, ...args: unknown[]) {
        answer(this, args);
      };
    };
    this.listeners = commands.map((command) => [command.event, listener(command)]);
    const known = new Set<unknown>(commands.map((command) => command.event));
    const pay = (socket: { readonly data: unknown }) => this.pay(connectionOf(socket));
    // Frames that come together are all announced before the first is carried out: a command is counted with its own frame.
    this.count = function (this: Socket, event: unknown) {
      if (!known.has(event)) pay(this);
    };
    this.takeAck = function (this, { id, data }) {
      const onAck = this.acks.get(id);
      if (onAck) onAck.apply(this, data);
      else if (!connectionOf(this).forgiveAck()) pay(this);
      this.acks.delete(id);
    };
  }

  attend(socket: Socket): void {
    socket.onAny(this.count);
    for (const [event, listener] of this.listeners) socket.on(event, listener);
  }

  private answer(command: DeviceCommand, socket: Socket, args: unknown[]): void {
    const last = args.at(-1);
    const ack: Ack = typeof last === 'function' ? (last as Ack) : () => undefined;
    const payload = typeof args[0] === 'function' ? undefined : args[0];
    const connection = connectionOf(socket);
    const inTime = this.pay(connection);
    this.carryOut(command, connection, payload, inTime).then(
      (answer) => ack({ ok: true, ...answer }),
      (error: unknown) => ack({ ok: false, error: this.explain(error, command) }),
    );
  }

  /** Whether one more frame is within the device's rate. */
  private pay(connection: Connection): boolean {
    const inTime = connection.inbound.take(Date.now());
    if (connection.inbound.debt > MAX_DEBT) connection.line?.terminate();
    return inTime;
  }

  private async carryOut(command: DeviceCommand, connection: Connection, payload: unknown, inTime: boolean) {
    if (!inTime) throw new Problem('rate_limited', undefined, { retryAfterMs: 1_000 });
    if (valueDeeperThan(payload, MAX_DEPTH)) throw new Problem('too_deep');
    return command.handle(connection, payload);
  }

  private explain(error: unknown, command: DeviceCommand) {
    const problem = problemOf(error);
    if (problem.code === 'internal') this.log.error(error, `${command.event} failed`);
    return problem.toSocketError();
  }
}
