import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { named, statement } from '../platform/postgres/statement.js';
import type { Capabilities, MembershipContent } from './membership.js';

/** All changes of one user's membership happen one after the other. In the order of ids, so that nobody waits in a circle. */
const LOCK_USERS = named(
  'membership-lock',
  `SELECT pg_advisory_xact_lock(hashtextextended('membership:' || user_id, 0))
   FROM (SELECT user_id FROM unnest($1::text[]) AS u (user_id) ORDER BY user_id COLLATE "C") AS users`,
);
const CURRENT = named(
  'membership',
  `SELECT u.user_id AS "userId", statement_timestamp() AS now, m.version, m.status, m.plan_id AS "planId",
     m.effective_at AS "effectiveAt", m.cancel_at AS "cancelAt", m.ends_at AS "endsAt", m.plan_revision AS "planRevision"
   FROM unnest($1::text[]) AS u (user_id) LEFT JOIN membership m USING (user_id)`,
);
const PLANS = named(
  'plans',
  `SELECT plan_id AS "planId", capabilities, revision FROM plan WHERE plan_id = ANY ($1)`,
);
const SAVE = statement('save-membership.sql', import.meta.url);
/** One node at a time does a turn of background work; the others find it taken and rest. */
const TAKE_TURN = named(
  'membership-turn',
  `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS taken`,
);
const DUE = named(
  'membership-due',
  `SELECT user_id AS "userId", coalesce(cancel_at <= now(), false) AS "isCanceled" FROM membership
   WHERE ends_at <= now() ORDER BY ends_at LIMIT $1`,
);
const BEHIND_PLAN = named(
  'membership-behind-plan',
  `SELECT m.user_id AS "userId" FROM plan p CROSS JOIN LATERAL (
     SELECT user_id FROM membership WHERE plan_id = p.plan_id AND plan_revision < p.revision LIMIT $1
   ) AS m LIMIT $1`,
);

/** A membership as it is stored, with the revision of the plan that its version told. */
export interface MembershipDraft extends MembershipContent {
  readonly planRevision: number | null;
}

/** What is stored of a user, at the database's time. */
export interface CurrentMembership {
  readonly userId: string;
  readonly now: Date;
  readonly stored: MembershipDraft | undefined;
}

export interface StoredPlan {
  readonly planId: string;
  readonly capabilities: Capabilities;
  readonly revision: number;
}

/** Who said what made a new version. */
export interface ChangeSource {
  /** A processor, or `usher`. */
  readonly processor: string;
  readonly webhookId: string | null;
  readonly reason: string;
}

export interface DueMembership {
  readonly userId: string;
  /** It ends at its `cancelAt`; else the time to mend a payment is over. */
  readonly isCanceled: boolean;
}

/** The truth about what users pay for. What writes runs within a transaction that holds the users' locks. */
@Injectable()
export class MembershipStore {
  constructor(private readonly database: Database) {}

  async lockUsers(tx: Transaction, userIds: readonly string[]): Promise<void> {
    await tx.run(LOCK_USERS, [userIds]);
  }

  async current(tx: Transaction, userIds: readonly string[]): Promise<CurrentMembership[]> {
    type Row = { userId: string; now: Date; version: number | null } & MembershipDraft;
    const rows = await tx.run<Row>(CURRENT, [userIds]);
    return rows.map(({ userId, now, version, ...stored }) => ({
      userId,
      now,
      stored: version === null ? undefined : stored,
    }));
  }

  async plans(tx: Transaction, planIds: readonly string[]): Promise<ReadonlyMap<string, StoredPlan>> {
    const plans = planIds.length === 0 ? [] : await tx.run<StoredPlan>(PLANS, [planIds]);
    return new Map(plans.map((plan) => [plan.planId, plan]));
  }

  /** Makes the next version of each and its line in the history. Answers the versions by user. */
  async save(
    tx: Transaction,
    drafts: readonly ({ readonly userId: string } & MembershipDraft)[],
    { processor, webhookId, reason }: ChangeSource,
  ): Promise<ReadonlyMap<string, number>> {
    const values = [JSON.stringify(drafts), reason, processor, webhookId];
    const saved = await tx.run<{ userId: string; version: number }>(SAVE, values);
    return new Map(saved.map(({ userId, version }) => [userId, version]));
  }

  /** Whether this transaction alone does the background work of that name; until its end. */
  async tryLockJob(tx: Transaction, work: string): Promise<boolean> {
    const [row] = await tx.run<{ taken: boolean }>(TAKE_TURN, [`membership ${work}`]);
    return row?.taken === true;
  }

  /** Memberships whose end has passed, the longest ago first. A hint: what is done about it looks again, under the lock. */
  due(limit: number): Promise<DueMembership[]> {
    return this.database.run('critical', DUE, [limit]);
  }

  /** Users whose membership tells an older revision of their plan; a hint as well. */
  async behindPlan(limit: number): Promise<string[]> {
    const rows = await this.database.run<{ userId: string }>('important', BEHIND_PLAN, [limit]);
    return rows.map(({ userId }) => userId);
  }
}
