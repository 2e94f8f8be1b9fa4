import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { NodeRouterService } from '../cluster/node-router.service.js';
import {
  type CommittedBatch,
  eventsPublished,
  type OutgoingEvent,
} from '../mailbox/events/outgoing-event.js';
import { HandoffStore } from '../mailbox/handoff/handoff.store.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import { Topic } from '../platform/events/topic.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { Batcher } from '../platform/scheduling/batcher.js';
import { bulkQueue } from '../platform/scheduling/yielding-queue.js';
import { type DurableTier, type Tier, TIERS } from '../platform/tiers.js';
import { reportSteps } from '../platform/tracing/event-steps.js';

/** Events that are delivered without yielding to the event loop: about 0.1 ms of work. */
const SLICE_SIZE = 12;
const idOf = ({ event }: OutgoingEvent): string => event.header.id;
const isCritical = ({ event }: OutgoingEvent): boolean => event.header.tier === 'critical';

/**
 * Events for the devices that are connected to this node. A listener writes or queues them at once, for each of the user's devices,
 * and drops what it cannot deliver: durable events are in the mailbox, from where the device resumes.
 */
export const eventsForThisNode = new Topic<readonly OutgoingEvent[]>('delivery.events_for_this_node');

/** Delivers published events to the devices of this node and to the nodes that hold the others, then settles the handoff. */
@Injectable()
export class DispatcherService implements OnModuleInit {
  private readonly log = new Logger('delivery');
  private readonly dispatched: Counter<'tier'>;
  private slicesWaiting = 0;
  private readonly settling: Record<DurableTier, Batcher<string, undefined>>;

  constructor(
    private readonly bus: EventBusService,
    private readonly handoffs: HandoffStore,
    private readonly router: NodeRouterService,
    metrics: MetricsService,
  ) {
    this.dispatched = metrics.counter('events_total', 'Events that this node dispatched to devices.', [
      'tier',
    ]);
    this.settling = { critical: this.settler('critical'), important: this.settler('important') };
  }

  onModuleInit(): void {
    this.bus.subscribe(eventsPublished, (batch) => this.dispatchAndSettle(batch));
  }

  /** Whether `dispatch` can be certain; while Redis is away it always throws. */
  get isReady(): boolean {
    return this.router.isReady;
  }

  /** Resolves when every node that holds a device of the users was sent the events; throws when that is not certain. */
  async dispatch(events: readonly OutgoingEvent[]): Promise<void> {
    this.count(events);
    await Promise.all([this.deliverInSlices(events), this.router.route(events)]);
  }

  /**
   * Delivers critical events at once, and many others slice by slice, so that critical ones never wait for them. While slices wait, few others
   * go behind them: a device gets what was published later after what was published before.
   */
  private async deliverInSlices(events: readonly OutgoingEvent[]): Promise<void> {
    if (events.length <= SLICE_SIZE && this.slicesWaiting === 0) return this.deliverLocally(events);
    const critical = events.filter(isCritical);
    if (critical.length > 0) this.deliverLocally(critical);
    const others = critical.length > 0 ? events.filter((event) => !isCritical(event)) : events;
    const slices: Promise<void>[] = [];
    for (let start = 0; start < others.length; start += SLICE_SIZE) {
      this.slicesWaiting += 1;
      slices.push(bulkQueue.run(() => this.deliverSlice(others.slice(start, start + SLICE_SIZE))));
    }
    await Promise.all(slices);
  }

  private deliverSlice(events: readonly OutgoingEvent[]): void {
    this.slicesWaiting -= 1;
    this.deliverLocally(events);
  }

  private deliverLocally(events: readonly OutgoingEvent[]): void {
    reportSteps('dispatched', events, idOf);
    this.bus.publish(eventsForThisNode, events);
  }

  private count(events: readonly OutgoingEvent[]): void {
    const counts: Record<Tier, number> = { critical: 0, important: 0, routine: 0 };
    for (const { event } of events) counts[event.header.tier] += 1;
    for (const tier of TIERS) if (counts[tier] > 0) this.dispatched.inc({ tier }, counts[tier]);
  }

  /** Events of an unsettled handoff are not lost: the sweep sends them again, and devices ignore offsets that they have. */
  private dispatchAndSettle({ events, handoff }: CommittedBatch): void {
    this.dispatch(events)
      .then(() => handoff && this.settling[handoff.tier].add(handoff.id))
      .catch((error: unknown) => this.log.debug(`left to the sweep: ${String(error)}`));
  }

  private settler(tier: DurableTier): Batcher<string, undefined> {
    return new Batcher({
      runBatch: async (ids) => {
        await this.handoffs.settle('delivery', ids, tier);
        return ids.map(() => undefined);
      },
      size: 500,
      concurrency: 1,
      capacity: 100_000,
    });
  }
}
