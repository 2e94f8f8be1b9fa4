import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Batcher } from '../platform/batcher.js';
import type { Transaction } from '../platform/postgres/database.js';
import type { DurableTier } from '../platform/postgres/lanes.js';
import { isOutage } from '../platform/postgres/outage.js';
import { type Envelope, envelope, isDurable, type NewDurableEvent, type NewEvent } from './event.js';
import { type Announcement, EncodedEvent } from './announcement.js';
import { Feed } from './feed.service.js';
import { MailboxStore, type Stamped } from './mailbox.store.js';
import type { Position } from './position.js';

/** Events that one group commit takes; two commits of a lane may be under way. */
const COMMIT_SIZE = 500;
const COMMITS_AT_ONCE = 2;
/** Groups that may wait in a lane before the door answers "later". */
const LANE_CAPACITY = 10_000;

/** Writes events, then has them told: never the other way round. */
@Injectable()
export class Mailbox {
  private readonly lanes: Record<DurableTier, Batcher<Stamped[], Envelope[]>>;

  constructor(
    private readonly store: MailboxStore,
    private readonly feed: Feed,
  ) {
    const lane = (tier: DurableTier) =>
      new Batcher<Stamped[], Envelope[]>({
        act: (groups) => this.commit(groups, tier),
        size: COMMIT_SIZE,
        weigh: (group) => group.length,
        concurrency: COMMITS_AT_ONCE,
        capacity: LANE_CAPACITY,
        isolate: (error) => !isOutage(error),
      });
    this.lanes = { critical: lane('critical'), important: lane('important') };
  }

  /**
   * Publishes events: durable ones are committed together (all or none) before anyone is told, routine ones are told at once.
   * Answers their envelopes in order.
   */
  async publish(events: readonly NewEvent[]): Promise<Envelope[]> {
    const durable = events.filter(isDurable);
    const committed =
      durable.length === 0 ? [] : await this.lanes[mostUrgent(durable)].add(durable.map(stamp));
    const routine = this.announce(events.filter((event) => !isDurable(event)));
    return events.map((event) => (isDurable(event) ? committed.shift() : routine.shift()) as Envelope);
  }

  /** Appends within the caller's transaction; the devices are told after its commit. */
  async append(tx: Transaction, events: readonly NewDurableEvent[]): Promise<Envelope[]> {
    if (events.length === 0) return [];
    const stamped = events.map(stamp);
    const handoff = { id: randomUUID(), tier: mostUrgent(events) };
    const envelopes = placed(stamped, await this.store.append(stamped, handoff.id, handoff.tier, tx));
    tx.afterCommit(() => this.feed.announce({ announcements: announcements(stamped, envelopes), handoff }));
    return envelopes;
  }

  /** Tells routine events, which are stored elsewhere or nowhere. */
  announce(events: readonly NewEvent[], exceptDeviceId?: string): Envelope[] {
    if (events.length === 0) return [];
    const at = new Date().toISOString();
    const envelopes = events.map((event) => envelope(randomUUID(), event, at));
    const announcements = envelopes.map((told, n) => ({
      userId: (events[n] as NewEvent).userId,
      event: EncodedEvent.of(told, events[n]?.json),
      exceptDeviceId,
    }));
    this.feed.announce({ announcements });
    return envelopes;
  }

  private async commit(groups: Stamped[][], tier: DurableTier): Promise<Envelope[][]> {
    const stamped = groups.flat();
    const handoff = { id: randomUUID(), tier };
    const envelopes = placed(stamped, await this.store.append(stamped, handoff.id, tier));
    this.feed.announce({ announcements: announcements(stamped, envelopes), handoff });
    let start = 0;
    return groups.map((group) => envelopes.slice(start, (start += group.length)));
  }
}

const stamp = (event: NewDurableEvent): Stamped => ({
  id: randomUUID(),
  at: new Date().toISOString(),
  event,
});

const mostUrgent = (events: readonly NewDurableEvent[]): DurableTier =>
  events.some((event) => event.tier === 'critical') ? 'critical' : 'important';

const placed = (stamped: Stamped[], places: Position[]): Envelope[] =>
  stamped.map(({ id, at, event }, n) => envelope(id, event, at, places[n]));

const announcements = (stamped: Stamped[], envelopes: Envelope[]): Announcement[] =>
  stamped.map(({ event: { userId, json, awaited } }, n) => ({
    userId,
    event: EncodedEvent.of(envelopes[n] as Envelope, json),
    awaited,
  }));
