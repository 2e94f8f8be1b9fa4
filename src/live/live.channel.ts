import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Channel } from '../delivery/channel.js';
import { MUST_BE_APPLIED } from '../delivery/receipt.js';
import { Receipts } from '../delivery/receipts.service.js';
import type { Envelope } from '../mailbox/event.js';
import { type Announcement, EncodedEvent, type Heading } from '../mailbox/announcement.js';
import { Load } from '../platform/load.worker.js';
import { Metrics } from '../platform/metrics.js';
import { Connection } from './connection.js';
import type { Addressed } from './line.js';
import { eventFrame, isDurable, type Packet } from './frame.js';
import { Outbox } from './outbox.js';
import { Rooms } from './rooms.js';

/** Two commits of one user may be told in the wrong order by a few milliseconds; longer than this, something was lost. */
const HOLE_MS = 50;

/** The devices that are awake on this node. */
@Injectable()
export class LiveChannel implements Channel, OnApplicationShutdown {
  readonly rooms = new Rooms<Connection>();
  private readonly log = new Logger('live');
  private readonly outbox = new Outbox((connection) => this.letGo(connection));
  private readonly holes = new Set<Connection>();
  private readonly slow: Counter;
  private holeTimer: NodeJS.Timeout | undefined;
  private fillHole: (connection: Connection) => void = () => undefined;

  constructor(
    private readonly receipts: Receipts,
    load: Load,
    metrics: Metrics,
  ) {
    load.watchWrites(() => this.outbox.waiting);
    this.slow = metrics.counter(
      'slow_devices_total',
      'Devices that did not read and were let go to resume later',
    );
    metrics.gauge('connections', 'Devices connected to this node', () => this.rooms.size);
    metrics.gauge('connected_users', 'Users with a device on this node', () => this.rooms.userCount);
    metrics.gauge('unread_bytes', 'Bytes that devices of this node have not read', () => this.unread());
    metrics.gauge(
      'outbox_waiting',
      'Devices whose routine or important events wait for a write turn',
      () => this.outbox.waiting,
    );
  }

  /** What is done about a device whose stream has a hole that nobody fills: its gateway reads the mailbox. */
  onHole(fill: (connection: Connection) => void): void {
    this.fillHole = fill;
  }

  tell(announcements: readonly Announcement[]): void {
    for (const { userId, event, exceptDeviceId, awaited } of announcements) {
      const room = this.rooms.of(userId);
      if (room.length === 0) continue;
      const addressed = this.address(event);
      for (const connection of room) {
        if (connection.deviceId === exceptDeviceId) continue;
        this.give(connection, addressed);
        if (awaited) this.noteSent(connection, addressed.frame.heading);
      }
    }
  }

  /** The answer to what a device asked. */
  answer(connection: Connection, packet: Packet): void {
    connection.answer(packet);
    this.outbox.later(connection);
  }

  /** Events from a device's history, then whatever came meanwhile. */
  catchUp(
    connection: Connection,
    missed: readonly Envelope[],
    head: { epoch: string; offset: number },
  ): void {
    connection.replay(missed.map((envelope) => this.address(EncodedEvent.of(envelope))));
    connection.joined(head);
    this.outbox.atOnce(connection);
  }

  countSlow(): void {
    this.slow.inc();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.holeTimer);
    this.outbox.stop();
  }

  private unread(): number {
    let bytes = 0;
    for (const { line } of this.rooms.all()) bytes += line?.buffered ?? 0;
    return bytes;
  }

  private give(connection: Connection, addressed: Addressed): void {
    connection.offer(addressed);
    if (connection.hasHole) this.watchHole(connection);
    if (connection.pending === 0) return;
    if (addressed.frame.heading.tier === 'critical') this.outbox.atOnce(connection);
    else this.outbox.later(connection);
  }

  private address(event: EncodedEvent): Addressed {
    const frame = eventFrame(event);
    const { heading } = frame;
    if (!isDurable(heading)) return { frame, onAck: undefined };
    const { receipts } = this;
    const addressed: Addressed = {
      frame,
      onAck() {
        const connection = connectionOf(this);
        if (frame.ackId !== undefined) connection.debts?.acknowledged(frame.ackId);
        // An event for another device only moved this one's position.
        if (heading.target !== undefined && heading.target !== connection.deviceId) return;
        receipts.note(connection, heading, 'received');
        if (heading.type === MUST_BE_APPLIED) connection.debts?.mustApply(addressed, Date.now());
      },
    };
    return addressed;
  }

  private noteSent(connection: Connection, heading: Heading): void {
    if (isDurable(heading) && !connection.closed) this.receipts.note(connection, heading, 'sent');
  }

  private watchHole(connection: Connection): void {
    this.holes.add(connection);
    this.holeTimer ??= setTimeout(() => {
      this.holeTimer = undefined;
      const due = [...this.holes].filter((suspect) => suspect.hasHole);
      this.holes.clear();
      for (const suspect of due) this.fillHole(suspect);
    }, HOLE_MS);
  }

  private letGo(connection: Connection): void {
    this.countSlow();
    this.log.warn(`device ${connection.deviceId} does not read; it is let go and can resume`);
    connection.close();
    connection.line?.terminate();
  }
}

/** The connection that the gateway put on the socket when it let it in. */
export function connectionOf(socket: { readonly data: unknown }): Connection {
  const { connection } = socket.data as { connection?: Connection };
  if (!(connection instanceof Connection)) throw new Error('the socket has no connection');
  return connection;
}
