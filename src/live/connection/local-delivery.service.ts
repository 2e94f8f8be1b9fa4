import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { eventsForThisNode } from '../../delivery/dispatcher.service.js';
import { ReceiptsService } from '../../delivery/receipts/receipts.service.js';
import type { Envelope } from '../../mailbox/events/event.js';
import { type OutgoingEvent, EncodedEvent, type EventHeader } from '../../mailbox/events/outgoing-event.js';
import { findEventType } from '../../mailbox/events/event-types.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { Topic } from '../../platform/events/topic.js';
import { LoadMonitorWorker } from '../../platform/load/load-monitor.worker.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { Connection } from './connection.js';
import type { OutboundFrame } from './transport.js';
import { eventFrame, isDurableHeader, type Packet } from './frame.js';
import { WriteScheduler } from './write-scheduler.js';
import { ConnectionRegistry } from './connection-registry.js';

/** Two commits of one user may be told in the wrong order by a few milliseconds; longer than this, something was lost. */
const HOLE_MS = 50;

/** An event is missing before one that came to the connection, and nobody else will send it. */
export const gapFound = new Topic<Connection>('live.gap_found');

/** The devices that are connected to this node. */
@Injectable()
export class LocalDeliveryService implements OnModuleInit, OnApplicationShutdown {
  readonly connections = new ConnectionRegistry<Connection>();
  private readonly log = new Logger('live');
  private readonly outbox = new WriteScheduler((connection) => this.dropStuck(connection));
  private readonly holes = new Set<Connection>();
  private readonly slow: Counter;
  private holeTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly receipts: ReceiptsService,
    private readonly bus: EventBusService,
    load: LoadMonitorWorker,
    metrics: MetricsService,
  ) {
    load.registerWriteQueue(() => this.outbox.waiting);
    this.slow = metrics.counter(
      'slow_devices_total',
      'Devices that did not read and were let go to resume later',
    );
    metrics.gauge('connections', 'Devices connected to this node', () => this.connections.size);
    metrics.gauge('connected_users', 'Users with a device on this node', () => this.connections.userCount);
    metrics.gauge('unread_bytes', 'Bytes that devices of this node have not read', () => this.unreadBytes());
    metrics.gauge(
      'outbox_waiting',
      'Devices whose routine or important events wait for a write turn',
      () => this.outbox.waiting,
    );
  }

  onModuleInit(): void {
    this.bus.subscribe(eventsForThisNode, (events) => this.deliver(events));
  }

  deliver(announcements: readonly OutgoingEvent[]): void {
    for (const { userId, event, exceptDeviceId, reportSent: awaited } of announcements) {
      const room = this.connections.of(userId);
      if (room.length === 0) continue;
      const addressed = this.toOutboundFrame(event);
      for (const connection of room) {
        if (connection.deviceId === exceptDeviceId) continue;
        this.enqueue(connection, addressed);
        if (awaited) this.recordSent(connection, addressed.frame.heading);
      }
    }
  }

  /** The answer to what a device asked. */
  answer(connection: Connection, packet: Packet): void {
    connection.answer(packet);
    this.outbox.schedule(connection);
  }

  /** Events from a device's history, then whatever came meanwhile. */
  catchUp(
    connection: Connection,
    missed: readonly Envelope[],
    head: { epoch: string; offset: number },
  ): void {
    connection.replay(missed.map((envelope) => this.toOutboundFrame(EncodedEvent.of(envelope))));
    connection.joined(head);
    this.outbox.writeNow(connection);
  }

  countSlow(): void {
    this.slow.inc();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.holeTimer);
    this.outbox.stop();
  }

  private unreadBytes(): number {
    let bytes = 0;
    for (const { transport: line } of this.connections.all()) bytes += line?.bufferedBytes ?? 0;
    return bytes;
  }

  private enqueue(connection: Connection, addressed: OutboundFrame): void {
    connection.enqueue(addressed);
    if (connection.hasGap) this.watchGap(connection);
    if (connection.pending === 0) return;
    if (addressed.frame.heading.tier === 'critical') this.outbox.writeNow(connection);
    else this.outbox.schedule(connection);
  }

  private toOutboundFrame(event: EncodedEvent): OutboundFrame {
    const frame = eventFrame(event);
    const { heading } = frame;
    if (!isDurableHeader(heading)) return { frame, onAck: undefined };
    const { receipts } = this;
    const addressed: OutboundFrame = {
      frame,
      onAck() {
        const connection = connectionOf(this);
        if (frame.ackId !== undefined) connection.acks?.acknowledged(frame.ackId);
        // An event for another device only moved this one's position.
        if (heading.target !== undefined && heading.target !== connection.deviceId) return;
        receipts.record(connection, heading, 'received');
        if (findEventType(heading.type)?.mustBeApplied) connection.acks?.mustApply(addressed, Date.now());
      },
    };
    return addressed;
  }

  private recordSent(connection: Connection, heading: EventHeader): void {
    if (isDurableHeader(heading) && !connection.closed) this.receipts.record(connection, heading, 'sent');
  }

  private watchGap(connection: Connection): void {
    this.holes.add(connection);
    this.holeTimer ??= setTimeout(() => {
      this.holeTimer = undefined;
      const due = [...this.holes].filter((suspect) => suspect.hasGap);
      this.holes.clear();
      for (const suspect of due) this.bus.publish(gapFound, suspect);
    }, HOLE_MS);
  }

  private dropStuck(connection: Connection): void {
    this.countSlow();
    this.log.warn(`device ${connection.deviceId} does not read; it is let go and can resume`);
    connection.close();
    connection.transport?.terminate();
  }
}

/** The connection that the gateway put on the socket when it let it in. */
export function connectionOf(socket: { readonly data: unknown }): Connection {
  const { connection } = socket.data as { connection?: Connection };
  if (!(connection instanceof Connection)) throw new Error('the socket has no connection');
  return connection;
}
