import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { EventBusService } from '../platform/events/event-bus.service.js';
import { Batcher } from '../platform/scheduling/batcher.js';
import type { IdempotentCall } from '../platform/http/idempotency/idempotency.js';
import { IdempotencyStore } from '../platform/http/idempotency/idempotency.store.js';
import { Database, type Transaction } from '../platform/postgres/database.js';
import type { DurableTier } from '../platform/tiers.js';
import { isOutage } from '../platform/postgres/outage.js';
import { reportSteps } from '../platform/tracing/event-steps.js';
import type { TraceSpan } from '../platform/tracing/trace-backend.js';
import { TracingService } from '../platform/tracing/tracing.service.js';
import {
  toAccepted,
  type Envelope,
  toEnvelope,
  isDurable,
  type NewDurableEvent,
  type NewEvent,
  type AppendedEvent,
  type StampedEvent,
} from './events/event.js';
import { type OutgoingEvent, EncodedEvent, eventsPublished } from './events/outgoing-event.js';
import { MailboxStore } from './mailbox.store.js';
import type { Position } from './position.js';

/** Events in one group commit. */
const COMMIT_SIZE = 500;
/** Group commits of one lane that may run at once. */
const COMMIT_CONCURRENCY = 2;
/** Calls that may wait in a lane; further ones are refused with QueueFull. */
const LANE_CAPACITY = 10_000;

/** The events of one call, which are committed together, and with them the call's answer if it has an Idempotency-Key. */
interface PublishCall {
  readonly stamped: readonly StampedEvent<NewEvent>[];
  readonly call: IdempotentCall | undefined;
}

/**
 * Publishes events: gathers the calls of each lane into group commits, appends their events to the mailboxes, and after the commit
 * publishes them on the bus, to be delivered. Never the other way round: a device must not learn what is not committed.
 */
@Injectable()
export class MailboxService {
  private readonly lanes: Record<DurableTier, Batcher<PublishCall, Envelope[]>>;

  constructor(
    private readonly store: MailboxStore,
    private readonly bus: EventBusService,
    private readonly database: Database,
    private readonly idempotency: IdempotencyStore,
    private readonly tracing: TracingService = new TracingService(),
  ) {
    const lane = (tier: DurableTier) =>
      new Batcher<PublishCall, Envelope[]>({
        runBatch: (calls) => this.commit(calls, tier),
        size: COMMIT_SIZE,
        weigh: ({ stamped }) => stamped.length,
        concurrency: COMMIT_CONCURRENCY,
        // In a flood the rest of an iteration takes longer than what a larger commit would save.
        beginsAtOnce: tier === 'critical',
        capacity: LANE_CAPACITY,
        isolate: (error) => !isOutage(error),
      });
    this.lanes = { critical: lane('critical'), important: lane('important') };
  }

  /**
   * Commits the events together, all or none, and then has them delivered; routine events alone are delivered at once and stored
   * nowhere. Returns their envelopes in order. Throws QueueFull when too many calls wait.
   */
  async publish(events: readonly NewEvent[], call?: IdempotentCall): Promise<Envelope[]> {
    const durable = events.filter(isDurable);
    if (durable.length === 0) return this.publishRoutine(events);
    const stamped = stampAll(events, this.tracing.current);
    reportSteps('queued', stamped, idOf);
    return this.lanes[mostUrgent(durable)].add({ stamped, call });
  }

  /** Appends within the caller's transaction; the events are delivered after its commit. Returns their envelopes in order. */
  async append(tx: Transaction, events: readonly NewDurableEvent[]): Promise<Envelope[]> {
    if (events.length === 0) return [];
    const stamped = stampAll(events, this.tracing.current);
    const handoff = { id: randomUUID(), tier: mostUrgent(events) };
    const spans = this.startAppend(stamped);
    const positions = await this.store.append(stamped, handoff.id, handoff.tier, tx);
    endAll(spans);
    const envelopes = toEnvelopes(stamped, positions);
    tx.afterCommit(() =>
      this.bus.publish(eventsPublished, { events: toOutgoing(stamped, envelopes, spans), handoff }),
    );
    return envelopes;
  }

  /**
   * Has events delivered that another folder's statement appended with `appendEvents`, after its commit: at once, or each user's at a moment of
   * its own within `withinMs`.
   */
  deliverAppended(
    appended: readonly AppendedEvent[],
    handoff: { id: string; tier: DurableTier },
    withinMs?: number,
  ): void {
    if (appended.length === 0) return;
    const events = appended.map(({ userId, id, type, tier, key, at, position, whole }): OutgoingEvent => ({
      userId,
      event: EncodedEvent.deferred({ id, type, tier, key, at, ...position }, () =>
        toEnvelope(id, whole(), at, position),
      ),
      withinMs,
    }));
    this.bus.publish(eventsPublished, { events, handoff });
  }

  /** Has routine events delivered, but not to the device `exceptDeviceId`. Returns their envelopes in order. */
  publishRoutine(events: readonly NewEvent[], exceptDeviceId?: string): Envelope[] {
    if (events.length === 0) return [];
    const at = new Date().toISOString();
    const trace = this.tracing.current;
    const envelopes = events.map((event) => toEnvelope(randomUUID(), event, at));
    const outgoing = envelopes.map((envelope, n): OutgoingEvent => ({
      userId: (events[n] as NewEvent).userId,
      event: EncodedEvent.of(envelope, events[n]?.json),
      exceptDeviceId,
      trace,
    }));
    this.bus.publish(eventsPublished, { events: outgoing });
    return envelopes;
  }

  private async commit(calls: PublishCall[], tier: DurableTier): Promise<Envelope[][]> {
    const stamped = calls.flatMap((call) => call.stamped);
    const handoff = { id: randomUUID(), tier };
    const append = async (tx?: Transaction) => {
      const positions = await this.store.append(stamped.filter(isStampedDurable), handoff.id, tier, tx);
      const envelopes = toEnvelopes(stamped, positions);
      let start = 0;
      return calls.map((call) => envelopes.slice(start, (start += call.stamped.length)));
    };
    reportSteps('committing', stamped, idOf);
    const spans = this.startAppend(stamped);
    const isAnyKeyed = calls.some(({ call }) => call !== undefined);
    const envelopes = isAnyKeyed
      ? await this.database.transaction(tier, async (tx) => this.storeAnswers(tx, calls, await append(tx)))
      : await append();
    endAll(spans);
    reportSteps('committed', stamped, idOf);
    this.bus.publish(eventsPublished, { events: toOutgoing(stamped, envelopes.flat(), spans), handoff });
    return envelopes;
  }

  /** A batch is a span in the trace of each of its events. One that fails never ends, and is not reported. */
  private startAppend(stamped: readonly StampedEvent<NewEvent>[]): AppendSpans | undefined {
    if (!this.tracing.isOn) return undefined;
    return this.tracing.startEach(
      stamped.map(({ trace }) => trace),
      {
        name: 'append mailbox',
        kind: 'producer',
        attributes: {
          'messaging.system': 'usher',
          'messaging.operation.name': 'append',
          'messaging.operation.type': 'send',
          'messaging.destination.name': 'mailbox',
          'messaging.batch.message_count': stamped.length,
        },
      },
    );
  }

  /** Stores the answers of calls with an Idempotency-Key in the commit of their events, so that a repeated call finds both or neither. */
  private async storeAnswers(
    tx: Transaction,
    calls: readonly PublishCall[],
    envelopes: Envelope[][],
  ): Promise<Envelope[][]> {
    const answers = calls.flatMap(({ call }, n) =>
      call
        ? [
            {
              id: call.id,
              status: call.sealedStatus,
              sealed: call.seal(toAccepted(envelopes[n] as Envelope[])),
            },
          ]
        : [],
    );
    await this.idempotency.settleInTransaction(tx, answers);
    return envelopes;
  }
}

/** The spans of an append, by the contexts of the events' traces. */
type AppendSpans = ReadonlyMap<string, TraceSpan>;

const endAll = (spans: AppendSpans | undefined): void => spans?.forEach((span) => span.end());

/** The events of one call have one time. */
function stampAll<E extends NewEvent>(events: readonly E[], trace: string | undefined): StampedEvent<E>[] {
  const at = new Date().toISOString();
  return events.map((event) => ({ id: randomUUID(), at, event, trace }));
}

const idOf = ({ id }: StampedEvent<NewEvent>): string => id;

const mostUrgent = (events: readonly NewDurableEvent[]): DurableTier =>
  events.some((event) => event.tier === 'critical') ? 'critical' : 'important';

const isStampedDurable = (stamped: StampedEvent<NewEvent>): stamped is StampedEvent =>
  isDurable(stamped.event);

/** `positions` are those of the durable events among `stamped`, in order; routine events have none. */
function toEnvelopes(stamped: readonly StampedEvent<NewEvent>[], positions: readonly Position[]): Envelope[] {
  let next = 0;
  return stamped.map(({ id, at, event }) =>
    toEnvelope(id, event, at, isDurable(event) ? positions[next++] : undefined),
  );
}

const toOutgoing = (
  stamped: readonly StampedEvent<NewEvent>[],
  envelopes: Envelope[],
  spans: AppendSpans | undefined,
): OutgoingEvent[] =>
  stamped.map(({ event: { userId, json, reportSent }, trace }, n): OutgoingEvent => ({
    userId,
    event: EncodedEvent.of(envelopes[n] as Envelope, json),
    reportSent,
    trace: trace === undefined ? undefined : spans?.get(trace)?.context,
  }));
