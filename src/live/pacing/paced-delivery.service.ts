import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { eventsForThisNode } from '../../delivery/dispatcher.service.js';
import type { OutgoingEvent } from '../../mailbox/events/outgoing-event.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { bulkQueue } from '../../platform/scheduling/yielding-queue.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';
import { LocalDeliveryService } from '../delivery/local-delivery.service.js';
import { HeldEvents, SLOT_MS } from './held-events.js';

/** Events that a node holds back: 1.5 KB each with twenty short titles. Further ones are told at once. */
const MAX_HELD = 50_000;
/** Characters of all of them. A title is whatever the back office sends: a page may have 256 KiB, and 50,000 of these would end the process. */
const MAX_HELD_LENGTH = 128_000_000;
/** Users whose events are delivered without yielding to the event loop. */
const SLICE_SIZE = 12;

/**
 * Delivers events to the connected devices, and holds those back that are told over some time: each until the moment of its user, which is the
 * same on every node. They are in the mailbox already, so what a device gets from there meanwhile, or when this node has died, it gets once.
 * Whatever else the user is sent durably is not held up: what waits goes with it.
 */
@Injectable()
export class PacedDeliveryService implements OnModuleInit, OnApplicationShutdown {
  private readonly log = new Logger('live');
  private readonly held = new HeldEvents(MAX_HELD, MAX_HELD_LENGTH);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly bus: EventBusService,
    private readonly connections: ConnectionRegistryService,
    private readonly delivery: LocalDeliveryService,
    metrics: MetricsService,
  ) {
    metrics.gauge(
      'events_held',
      'Events that wait until it is the turn of their users, whose devices are connected to this node: the users of a nightly file are told over `RECOMMENDATIONS_WINDOW_SECONDS`. A node holds 50,000, with 128 million characters together; the users of further ones are told at once.',
      'sum',
      () => this.held.size,
    );
  }

  onModuleInit(): void {
    this.bus.subscribe(eventsForThisNode, (events) => this.deliver(events));
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Delivers the events to the devices of their users that are connected here, or holds them. */
  deliver(events: readonly OutgoingEvent[]): void {
    const isPlain = this.held.size === 0 && events.every(({ withinMs }) => withinMs === undefined);
    this.delivery.deliver(isPlain ? events : events.flatMap((event) => this.holdOrRelease(event)));
  }

  /** Returns what is to be delivered now. */
  private holdOrRelease(event: OutgoingEvent): readonly OutgoingEvent[] {
    const { userId, withinMs } = event;
    if (event.event.header.offset === undefined || event.againTo !== undefined) return [event];
    const connections = this.connections.of(userId);
    if (connections.length === 0) return [];
    // A critical event overtakes on its way between nodes, and may be waiting for this one.
    const isAwaited = connections.some(({ outbound }) => outbound.hasGap);
    if (withinMs === undefined || isAwaited || !this.held.hold(event, withinMs, monotonicNow()))
      return [...this.held.take(userId), event];
    this.timer ??= setInterval(() => this.releaseDue(), SLOT_MS);
    return [];
  }

  private releaseDue(): void {
    const users = this.held.takeDueUsers(monotonicNow());
    for (let start = 0; start < users.length; start += SLICE_SIZE) {
      const slice = users.slice(start, start + SLICE_SIZE);
      bulkQueue
        .run(() => this.delivery.deliver(slice.flatMap((userId) => this.held.take(userId))))
        // As the event bus does for events that are not held: unhandled it would end the process.
        .catch((error: unknown) => this.log.error(error, 'held events could not be delivered'));
    }
    if (this.held.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
