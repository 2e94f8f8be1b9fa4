import { Logger } from '@nestjs/common';
import type { CommandResponse, DeviceCommand } from '../../devices/device-command.js';
import { toProblem } from '../../platform/http/to-problem.js';
import { Problem } from '../../platform/http/problem.js';
import { valueDeeperThan } from '../../platform/http/json-depth.js';
import type { Connection } from '../connection/connection.js';
import { ackPacket } from '../connection/frame.js';
import { connectionOf, LocalDeliveryService } from '../connection/local-delivery.service.js';
import { MAX_RATE_DEBT } from './frame-rate-limiter.js';
import type { IncomingPacket, OnAckPacket, OnEvent } from './socket-io.transport.js';

/** CONTRACT §4. */
const MAX_DEPTH = 16;

/** Takes what devices ask and acknowledges it. */
export class CommandDispatcher {
  private readonly log = new Logger('live');
  /** One function for all sockets, called as their method: a closure a socket costs memory. */
  readonly onEvent: OnEvent;
  /** Takes an acknowledgement; one that nobody waits for is a frame like any other. */
  readonly onAck: OnAckPacket;

  constructor(
    private readonly commands: ReadonlyMap<unknown, DeviceCommand>,
    private readonly channel: LocalDeliveryService,
  ) {
    const take = (connection: Connection, asked: IncomingPacket) => this.receive(connection, asked);
    const pay = (connection: Connection) => this.withinRate(connection);
    this.onEvent = function (asked) {
      if (this.connected) take(connectionOf(this), asked);
    };
    this.onAck = function ({ id, data }) {
      const onAck = this.acks.get(id);
      if (onAck) onAck.apply(this, data);
      else if (!connectionOf(this).acks?.acceptLateAck()) pay(connectionOf(this));
      this.acks.delete(id);
    };
  }

  /** Every frame is counted; one that nobody knows is not answered. */
  private receive(connection: Connection, { data, id }: IncomingPacket): void {
    const inTime = this.withinRate(connection);
    const [event, payload] = Array.isArray(data) ? (data as unknown[]) : [];
    const command = this.commands.get(event);
    if (!command) return;
    const answer = (fields: unknown) => {
      if (id !== undefined) this.channel.answer(connection, ackPacket(id, fields));
    };
    this.execute(command, connection, payload, inTime).then(
      (fields) => answer({ ok: true, ...fields }),
      (error: unknown) => answer({ ok: false, error: this.toError(error, String(event)) }),
    );
  }

  /** Whether one more frame is within the device's rate. */
  private withinRate(connection: Connection): boolean {
    const inTime = connection.inbound.take(Date.now());
    if (connection.inbound.deficit > MAX_RATE_DEBT) connection.transport?.terminate();
    return inTime;
  }

  private async execute(
    command: DeviceCommand,
    connection: Connection,
    payload: unknown,
    inTime: boolean,
  ): Promise<CommandResponse> {
    if (!inTime) throw new Problem('rate_limited', undefined, { retryAfterMs: 1_000 });
    if (valueDeeperThan(payload, MAX_DEPTH)) throw new Problem('too_deep');
    return command.handle(connection, payload);
  }

  private toError(error: unknown, event: string) {
    const problem = toProblem(error);
    if (problem.code === 'internal') this.log.error(error, `${event} failed`);
    return problem.toSocketError();
  }
}
