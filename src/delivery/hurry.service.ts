import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { Batch } from '../mailbox/announcement.js';
import { Feed } from '../mailbox/feed.service.js';
import { Batcher } from '../platform/batcher.js';
import { Bell } from './bell.service.js';
import { FallbackStore, type Place } from './fallback.store.js';
import { Nodes } from './nodes.service.js';
import { PresenceStore } from './presence.store.js';

/**
 * A critical event for a user of whom no device is awake need not wait for receipts: its pushes are queued at once. Presence is only
 * a hint here; what it misses, or what fails, the clock does some seconds later.
 */
@Injectable()
export class Hurry implements OnModuleInit {
  private readonly log = new Logger('fallback');
  private readonly waiting = new Batcher<Place, undefined>({
    act: async (places) => {
      await this.queue(places).catch((error: unknown) =>
        this.log.debug(`left to the clock: ${String(error)}`),
      );
      return places.map(() => undefined);
    },
    size: 500,
    concurrency: 1,
    capacity: 5_000,
  });

  constructor(
    private readonly feed: Feed,
    private readonly nodes: Nodes,
    private readonly presence: PresenceStore,
    private readonly store: FallbackStore,
    private readonly bell: Bell,
  ) {}

  onModuleInit(): void {
    this.feed.subscribe((batch) => this.take(batch));
  }

  private take({ announcements, handoff }: Batch): void {
    if (handoff?.tier !== 'critical') return;
    for (const { userId, event } of announcements) {
      const { tier, offset } = event.heading;
      if (tier === 'critical' && offset !== undefined) this.waiting.give([userId, offset]);
    }
  }

  private async queue(places: readonly Place[]): Promise<void> {
    const users = [...new Set(places.map(([userId]) => userId))];
    const nodes = await this.presence.nodesOf(users);
    const asleep = new Set(users.filter((_, n) => nodes[n]?.every((nodeId) => this.isGone(nodeId))));
    const due = places.filter(([userId]) => asleep.has(userId));
    if (due.length > 0 && (await this.store.hurry(due)) > 0) this.bell.ring('critical');
  }

  /** A node that was killed left its entries behind. */
  private isGone(nodeId: string): boolean {
    const { id, others } = this.nodes;
    return nodeId !== id && others !== undefined && !others.has(nodeId);
  }
}
