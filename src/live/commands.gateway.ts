import { Logger } from '@nestjs/common';
import type { CommandAnswer, DeviceCommand } from '../devices/device-command.js';
import { problemOf } from '../platform/http/problem.filter.js';
import { Problem } from '../platform/http/problem.js';
import { valueDeeperThan } from '../platform/json-depth.js';
import type { Connection } from './connection.js';
import { answerPacket } from './frame.js';
import { connectionOf, LiveChannel } from './live.channel.js';
import { MAX_DEBT } from './toll.gateway.js';
import type { Asked, OnAckPacket, OnEvent } from './wire.gateway.js';

/** CONTRACT §4. */
const MAX_DEPTH = 16;

/** Takes what devices ask and acknowledges it. */
export class CommandDesk {
  private readonly log = new Logger('live');
  private readonly commands: ReadonlyMap<unknown, DeviceCommand>;
  /** One function for all sockets, called as their method: a closure a socket costs memory. */
  readonly onEvent: OnEvent;
  /** Takes an acknowledgement; one that nobody waits for is a frame like any other. */
  readonly onAck: OnAckPacket;

  constructor(
    commands: readonly DeviceCommand[],
    private readonly channel: LiveChannel,
  ) {
    this.commands = new Map(commands.map((command) => [command.event, command]));
    const take = (connection: Connection, asked: Asked) => this.take(connection, asked);
    const pay = (connection: Connection) => this.pay(connection);
    this.onEvent = function (asked) {
      if (this.connected) take(connectionOf(this), asked);
    };
    this.onAck = function ({ id, data }) {
      const onAck = this.acks.get(id);
      if (onAck) onAck.apply(this, data);
      else if (!connectionOf(this).debts?.forgiveAck()) pay(connectionOf(this));
      this.acks.delete(id);
    };
  }

  /** Every frame is counted; one that nobody knows is not answered. */
  private take(connection: Connection, { data, id }: Asked): void {
    const inTime = this.pay(connection);
    const [event, payload] = Array.isArray(data) ? (data as unknown[]) : [];
    const command = this.commands.get(event);
    if (!command) return;
    const answer = (fields: unknown) => {
      if (id !== undefined) this.channel.answer(connection, answerPacket(id, fields));
    };
    this.carryOut(command, connection, payload, inTime).then(
      (fields) => answer({ ok: true, ...fields }),
      (error: unknown) => answer({ ok: false, error: this.explain(error, command) }),
    );
  }

  /** Whether one more frame is within the device's rate. */
  private pay(connection: Connection): boolean {
    const inTime = connection.inbound.take(Date.now());
    if (connection.inbound.debt > MAX_DEBT) connection.line?.terminate();
    return inTime;
  }

  private async carryOut(
    command: DeviceCommand,
    connection: Connection,
    payload: unknown,
    inTime: boolean,
  ): Promise<CommandAnswer> {
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
