import { Injectable } from '@nestjs/common';
import type { Envelope } from '../../mailbox/events/event.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { ClockService } from '../clock.service.js';
import { type ClaimedPlan, DigestPlanStore, type DueDigest } from '../planning/digest-plan.store.js';
import { PlanningService } from '../planning/planning.service.js';
import { decideRun, type RunDecision } from './decide-run.js';
import { DigestPublisherService } from './digest-publisher.service.js';
import { type CollectedRun, DigestRunStore, type SettledRun, type SettledSlice } from './digest-run.store.js';

/** When a run that failed for a reason of Usher's own is tried again. */
const POSTPONED_MS = 3_600_000;

type Decided = ClaimedPlan & { readonly decision: RunDecision };
type Wanted = Decided & { readonly decision: { readonly is: 'run' } };
const isRun = (one: Decided): one is Wanted => one.decision.is === 'run';

/** What one transaction did. */
export interface SliceResult {
  /** Plans that were due. */
  readonly claimed: number;
  readonly runs: readonly SettledRun[];
}

/** Makes the digests that are due: claims a slice of them, collects, publishes, and writes when the next ones are due, in one transaction. */
@Injectable()
export class DigestRunsService {
  constructor(
    private readonly plans: DigestPlanStore,
    private readonly runs: DigestRunStore,
    private readonly planning: PlanningService,
    private readonly publisher: DigestPublisherService,
    private readonly database: Database,
    private readonly clock: ClockService,
  ) {}

  /** Makes at most `limit` digests. A crash at any statement, or a failed commit, leaves all as it was. */
  runDue(digest: DueDigest, limit: number): Promise<SliceResult> {
    return this.database.transaction('routine', async (tx) => {
      const now = this.clock.now();
      await this.plans.limitTime(tx);
      const claimed = await this.plans.claimDue(tx, digest.name, now, limit);
      if (claimed.length === 0) return { claimed: 0, runs: [] };
      const decided = claimed.map((user) => ({
        ...user,
        decision: decideRun(digest, user, now, this.planning.settings),
      }));
      const collected = await this.collect(tx, digest, decided.filter(isRun), now);
      const sent = await this.publish(tx, digest, decided.filter(isRun), collected, now);
      const slice = settledSlice(decided, collected, sent);
      await this.runs.settle(tx, digest.name, slice, now);
      return { claimed: claimed.length, runs: slice.runs };
    });
  }

  /** Puts off the digest that is due first. For one that fails by itself, and would hold up all others. */
  async postponeFirst(digest: DueDigest): Promise<string | undefined> {
    const now = this.clock.now();
    return this.database.transaction('routine', async (tx) => {
      const [first] = await this.plans.claimDue(tx, digest.name, now, 1);
      if (first)
        await this.plans.save(tx, digest.name, [
          {
            userId: first.userId,
            lastDate: first.lastDate,
            nextRunAt: new Date(now.getTime() + POSTPONED_MS).toISOString(),
          },
        ]);
      return first?.userId;
    });
  }

  private async collect(tx: Transaction, digest: DueDigest, due: readonly Wanted[], now: Date) {
    const runs = due.map(({ userId, decision: { run, wanted } }) => ({ userId, ...run, ...wanted }));
    const collected = runs.length > 0 ? await this.runs.collect(tx, digest, runs, now) : [];
    return new Map(collected.map((one) => [one.userId, one]));
  }

  /** Returns the events by user. */
  private publish(
    tx: Transaction,
    { name, body }: DueDigest,
    due: readonly Wanted[],
    collected: ReadonlyMap<string, CollectedRun>,
    now: Date,
  ): Promise<ReadonlyMap<string, Envelope>> {
    const toTell = due.flatMap(({ userId, locale, preferences, decision: { run } }) => {
      const found = collected.get(userId);
      if (!found || found.events === 0) return [];
      return [{ userId, localDate: run.localDate, locale, preferences, collected: found }];
    });
    return this.publisher.publish(tx, { name, ...body }, toTell, now);
  }
}

function settledSlice(
  decided: readonly Decided[],
  collected: ReadonlyMap<string, CollectedRun>,
  sent: ReadonlyMap<string, Envelope>,
): SettledSlice {
  const runs = decided.flatMap(({ userId, decision }): SettledRun[] => {
    if (decision.is === 'later') return [];
    const { run } = decision;
    if (decision.is === 'unwanted')
      return [{ userId, ...run, state: 'skipped', reason: 'preference', events: 0 }];
    const found = collected.get(userId);
    // The date had its digest already.
    if (!found) return [];
    const eventId = sent.get(userId)?.id;
    return [
      {
        userId,
        ...run,
        state: eventId === undefined ? 'empty' : 'handed_off',
        eventId,
        events: found.events,
      },
    ];
  });
  const plans = decided.flatMap(({ userId, decision }) =>
    decision.is === 'unwanted'
      ? []
      : [{ userId, ...decision.next, afterOffset: collected.get(userId)?.head }],
  );
  const ended = decided.flatMap(({ userId, decision }) => (decision.is === 'unwanted' ? [userId] : []));
  return { runs, plans, ended };
}
