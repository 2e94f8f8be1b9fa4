import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { OutgoingEvent, CommittedBatch } from '../mailbox/events/outgoing-event.js';
import { FeedService } from '../mailbox/feed.service.js';
import { Batcher } from '../platform/scheduling/batcher.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { type DurableTier, type Tier, TIERS } from '../platform/tiers.js';
import { bulkQueue } from '../platform/scheduling/yielding-queue.js';
import type { Channel } from './channel.js';
import { HandoffStore } from '../mailbox/handoff/handoff.store.js';
import { NodeRouterService } from '../cluster/node-router.service.js';

/** Events that are told in one go: some 0.1 ms of work. */
const PIECE = 12;
const isCritical = ({ event }: OutgoingEvent): boolean => event.header.tier === 'critical';

/** From what was committed to the channels; a handoff is settled once they took it. */
@Injectable()
export class DispatcherService implements OnModuleInit {
  private readonly log = new Logger('delivery');
  private channels: readonly Channel[] = [];
  private readonly told: Counter<'tier'>;
  private readonly settling: Record<DurableTier, Batcher<string, undefined>>;

  constructor(
    private readonly feed: FeedService,
    private readonly handoffs: HandoffStore,
    private readonly router: NodeRouterService,
    metrics: MetricsService,
  ) {
    this.told = metrics.counter('events_total', 'Events handed to the channels', ['tier']);
    this.settling = { critical: this.settler('critical'), important: this.settler('important') };
  }

  /** The ways to devices; bound once, at boot (app.module.ts). */
  use(channels: readonly Channel[]): void {
    this.channels = channels;
  }

  onModuleInit(): void {
    this.feed.subscribe((batch) => this.dispatchAndSettle(batch));
  }

  /** Hands events to the channels of this node and to the nodes that hold other devices; throws when that is not sure. */
  async dispatch(announcements: readonly OutgoingEvent[]): Promise<void> {
    this.count(announcements);
    await Promise.all([this.deliverInSlices(announcements), this.router.route(announcements)]);
  }

  /** Critical events at once; many others piece by piece, so that what is critical never waits for them. */
  private async deliverInSlices(announcements: readonly OutgoingEvent[]): Promise<void> {
    if (announcements.length <= PIECE) return this.deliverLocally(announcements);
    const critical = announcements.filter(isCritical);
    if (critical.length > 0) this.deliverLocally(critical);
    const others = critical.length > 0 ? announcements.filter((one) => !isCritical(one)) : announcements;
    const pieces: Promise<void>[] = [];
    for (let start = 0; start < others.length; start += PIECE) {
      pieces.push(bulkQueue.run(() => this.deliverLocally(others.slice(start, start + PIECE))));
    }
    await Promise.all(pieces);
  }

  /** Only on this node: what another node tells us. */
  deliverLocally(announcements: readonly OutgoingEvent[]): void {
    for (const channel of this.channels) channel.deliver(announcements);
  }

  private count(announcements: readonly OutgoingEvent[]): void {
    const counts: Record<Tier, number> = { critical: 0, important: 0, routine: 0 };
    for (const { event } of announcements) counts[event.header.tier] += 1;
    for (const tier of TIERS) if (counts[tier] > 0) this.told.inc({ tier }, counts[tier]);
  }

  /** Not settled is not lost: the sweep tells once more, and devices know the offset already. */
  private dispatchAndSettle({ events: announcements, handoff }: CommittedBatch): void {
    this.dispatch(announcements)
      .then(() => handoff && this.settling[handoff.tier].add(handoff.id))
      .catch((error: unknown) => this.log.debug(`not handed on: ${String(error)}`));
  }

  private settler(tier: DurableTier): Batcher<string, undefined> {
    return new Batcher({
      act: async (ids) => {
        await this.handoffs.settle(ids, tier);
        return ids.map(() => undefined);
      },
      size: 500,
      concurrency: 1,
      capacity: 100_000,
    });
  }
}
