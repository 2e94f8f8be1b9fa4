import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { EventBusService } from '../platform/events/event-bus.service.js';
import { Batcher } from '../platform/scheduling/batcher.js';
import type { IdempotentCall } from '../platform/http/idempotency/idempotency.js';
import { IdempotencyStore } from '../platform/http/idempotency/idempotency.store.js';
import { Database, type Transaction } from '../platform/postgres/database.js';
import type { DurableTier } from '../platform/tiers.js';
import { isOutage } from '../platform/postgres/outage.js';
import {
  toAccepted,
  type Envelope,
  toEnvelope,
  isDurable,
  type NewDurableEvent,
  type NewEvent,
} from './events/event.js';
import { type OutgoingEvent, EncodedEvent, eventsPublished } from './events/outgoing-event.js';
import { MailboxStore, type StampedEvent } from './mailbox.store.js';
import type { Position } from './position.js';

/** Events that one group commit takes; two commits of a lane may be under way. */
const COMMIT_SIZE = 500;
const COMMITS_AT_ONCE = 2;
/** Groups that may wait in a lane before the door answers "later". */
const LANE_CAPACITY = 10_000;

/** One call's events, which are committed together; with them the call's answer, if it may be made again. */
interface Group {
  readonly stamped: readonly StampedEvent<NewEvent>[];
  readonly call: IdempotentCall | undefined;
}

/** Writes events, then has them told: never the other way round. */
@Injectable()
export class MailboxService {
  private readonly lanes: Record<DurableTier, Batcher<Group, Envelope[]>>;

  constructor(
    private readonly store: MailboxStore,
    private readonly bus: EventBusService,
    private readonly database: Database,
    private readonly idempotency: IdempotencyStore,
  ) {
    const lane = (tier: DurableTier) =>
      new Batcher<Group, Envelope[]>({
        runBatch: (groups) => this.commit(groups, tier),
        size: COMMIT_SIZE,
        weigh: ({ stamped }) => stamped.length,
        concurrency: COMMITS_AT_ONCE,
        capacity: LANE_CAPACITY,
        isolate: (error) => !isOutage(error),
      });
    this.lanes = { critical: lane('critical'), important: lane('important') };
  }

  /**
   * Publishes events: durable ones are committed together (all or none) before anyone is told, routine ones are told at once
   * when they are alone. Answers their envelopes in order.
   */
  async publish(events: readonly NewEvent[], call?: IdempotentCall): Promise<Envelope[]> {
    const durable = events.filter(isDurable);
    if (durable.length === 0) return this.publishRoutine(events);
    return this.lanes[mostUrgent(durable)].add({ stamped: events.map(stamp), call });
  }

  /** Appends within the caller's transaction; the devices are told after its commit. */
  async append(tx: Transaction, events: readonly NewDurableEvent[]): Promise<Envelope[]> {
    if (events.length === 0) return [];
    const stamped = events.map(stamp);
    const handoff = { id: randomUUID(), tier: mostUrgent(events) };
    const envelopes = placed(stamped, await this.store.append(stamped, handoff.id, handoff.tier, tx));
    tx.afterCommit(() =>
      this.bus.publish(eventsPublished, { events: announcements(stamped, envelopes), handoff }),
    );
    return envelopes;
  }

  /** Tells routine events, which are stored elsewhere or nowhere. */
  publishRoutine(events: readonly NewEvent[], exceptDeviceId?: string): Envelope[] {
    if (events.length === 0) return [];
    const at = new Date().toISOString();
    const envelopes = events.map((event) => toEnvelope(randomUUID(), event, at));
    const announcements = envelopes.map((told, n) => ({
      userId: (events[n] as NewEvent).userId,
      event: EncodedEvent.of(told, events[n]?.json),
      exceptDeviceId,
    }));
    this.bus.publish(eventsPublished, { events: announcements });
    return envelopes;
  }

  private async commit(groups: Group[], tier: DurableTier): Promise<Envelope[][]> {
    const stamped = groups.flatMap((group) => group.stamped);
    const handoff = { id: randomUUID(), tier };
    const write = async (tx?: Transaction) => {
      const envelopes = placed(
        stamped,
        await this.store.append(stamped.filter(isStored), handoff.id, tier, tx),
      );
      let start = 0;
      return groups.map((group) => envelopes.slice(start, (start += group.stamped.length)));
    };
    const keyed = groups.some(({ call }) => call !== undefined);
    const written = keyed
      ? await this.database.transaction(tier, async (tx) => this.storeAnswers(tx, groups, await write(tx)))
      : await write();
    this.bus.publish(eventsPublished, { events: announcements(stamped, written.flat()), handoff });
    return written;
  }

  /** Stores the answers of the calls that may be made again, in the commit of what they did. */
  private async storeAnswers(
    tx: Transaction,
    groups: readonly Group[],
    written: Envelope[][],
  ): Promise<Envelope[][]> {
    const answers = groups.flatMap(({ call }, n) =>
      call
        ? [{ id: call.id, status: call.status, sealed: call.seal(toAccepted(written[n] as Envelope[])) }]
        : [],
    );
    await this.idempotency.settleInTransaction(tx, answers);
    return written;
  }
}

const stamp = <E extends NewEvent>(event: E): StampedEvent<E> => ({
  id: randomUUID(),
  at: new Date().toISOString(),
  event,
});

const mostUrgent = (events: readonly NewDurableEvent[]): DurableTier =>
  events.some((event) => event.tier === 'critical') ? 'critical' : 'important';

const isStored = (stamped: StampedEvent<NewEvent>): stamped is StampedEvent => isDurable(stamped.event);

/** Of the places one a durable event, in order; routine ones have none. */
function placed(stamped: readonly StampedEvent<NewEvent>[], places: readonly Position[]): Envelope[] {
  let next = 0;
  return stamped.map(({ id, at, event }) =>
    toEnvelope(id, event, at, isDurable(event) ? places[next++] : undefined),
  );
}

const announcements = (stamped: readonly StampedEvent<NewEvent>[], envelopes: Envelope[]): OutgoingEvent[] =>
  stamped.map(({ event: { userId, json, reportSent: awaited } }, n) => ({
    userId,
    event: EncodedEvent.of(envelopes[n] as Envelope, json),
    awaited,
  }));
