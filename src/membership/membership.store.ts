import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { generationBase } from '../platform/postgres/generation.fragments.js';
import { forAnyValue, named, statement } from '../platform/postgres/statement.js';
import { userLock } from './membership.fragments.js';
import type { Capabilities, MembershipContent } from './membership.js';

/** Serializes the changes of one user's membership. Locks are taken in the order of ids: two calls must not wait for each other. */
const LOCK_USERS = named(
  'membership-lock',
  `SELECT ${userLock('user_id')}
   FROM (SELECT user_id FROM unnest($1::text[]) AS u (user_id) ORDER BY user_id COLLATE "C") AS users`,
);
const LIST_CURRENT = named(
  'membership',
  `SELECT u.user_id AS "userId", statement_timestamp() AS now, m.version, m.status, m.plan_id AS "planId",
     m.effective_at AS "effectiveAt", m.cancel_at AS "cancelAt", m.ends_at AS "endsAt", m.plan_revision AS "planRevision"
   FROM unnest(${forAnyValue('$1', 'text[]')}) AS u (user_id) LEFT JOIN membership m USING (user_id)`,
);
const LIST_PLANS = named(
  'plans',
  `SELECT plan_id AS "planId", capabilities, revision FROM plan WHERE plan_id = ANY (${forAnyValue('$1', 'text[]')})`,
);
const SAVE = statement('save-membership.sql', import.meta.url, { generationBase });
/** Only one node at a time runs a background job; the others find the lock taken and skip. */
const TRY_LOCK_JOB = named(
  'membership-job-lock',
  `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS taken`,
);
const LIST_DUE = named(
  'membership-due',
  `SELECT user_id AS "userId", coalesce(cancel_at <= now(), false) AS "isCanceled" FROM membership
   WHERE ends_at <= now() ORDER BY ends_at LIMIT $1`,
);
const LIST_BEHIND_PLAN = named(
  'membership-behind-plan',
  `SELECT m.user_id AS "userId" FROM plan p CROSS JOIN LATERAL (
     SELECT user_id FROM membership WHERE plan_id = p.plan_id AND plan_revision < p.revision
     ORDER BY plan_revision LIMIT $1
   ) AS m LIMIT $1`,
);

/** A membership as it is stored. */
export interface StoredMembership extends MembershipContent {
  /** The revision of the plan whose capabilities its event carried; null when the status grants nothing. */
  readonly planRevision: number | null;
}

/** What is stored for a user, and the database's time. */
export interface CurrentMembership {
  readonly userId: string;
  readonly now: Date;
  readonly stored: StoredMembership | undefined;
}

/** A plan of the catalogue. */
export interface StoredPlan {
  readonly planId: string;
  readonly capabilities: Capabilities;
  readonly revision: number;
}

/** Why a version is made; stored in the history. */
export interface ChangeSource {
  /** A processor, or `usher`. */
  readonly processor: string;
  /** Null when no webhook caused it. */
  readonly webhookId: string | null;
  /** The webhook's type, or a reason of Usher's own; a function when the users of one transaction have different ones. */
  readonly reason: string | ((userId: string) => string);
}

/** A membership whose end has passed. */
export interface DueMembership {
  readonly userId: string;
  /** True when it was canceled; false when its grace period after a failed payment is over. */
  readonly isCanceled: boolean;
}

/** What users pay for, by version. Every method that writes runs within a transaction that holds the users' locks. */
@Injectable()
export class MembershipStore {
  constructor(private readonly database: Database) {}

  /** Holds the users' locks until the transaction ends. */
  async lockUsers(tx: Transaction, userIds: readonly string[]): Promise<void> {
    await tx.run(LOCK_USERS, [userIds]);
  }

  /** One entry a user, in no particular order. */
  async listCurrent(tx: Transaction, userIds: readonly string[]): Promise<CurrentMembership[]> {
    type Row = { userId: string; now: Date; version: number | null } & StoredMembership;
    const rows = await tx.run<Row>(LIST_CURRENT, [userIds]);
    return rows.map(({ userId, now, version, ...stored }) => ({
      userId,
      now,
      stored: version === null ? undefined : stored,
    }));
  }

  async listPlans(tx: Transaction, planIds: readonly string[]): Promise<ReadonlyMap<string, StoredPlan>> {
    const plans = planIds.length === 0 ? [] : await tx.run<StoredPlan>(LIST_PLANS, [planIds]);
    return new Map(plans.map((plan) => [plan.planId, plan]));
  }

  /** Saves the next version of each, and its row in the history. Returns the version numbers by user. */
  async save(
    tx: Transaction,
    memberships: readonly ({ readonly userId: string; readonly reason: string } & StoredMembership)[],
    { processor, webhookId }: ChangeSource,
  ): Promise<ReadonlyMap<string, number>> {
    const values = [JSON.stringify(memberships), processor, webhookId];
    const saved = await tx.run<{ userId: string; version: number }>(SAVE, values);
    return new Map(saved.map(({ userId, version }) => [userId, version]));
  }

  /** Whether this transaction got the lock of that background job; it holds it until its end. */
  async tryLockJob(tx: Transaction, job: string): Promise<boolean> {
    const [row] = await tx.run<{ taken: boolean }>(TRY_LOCK_JOB, [`membership ${job}`]);
    return row?.taken === true;
  }

  /** Memberships whose end has passed, the oldest first. Read without a lock, so whoever acts on it must check again. */
  listDue(limit: number): Promise<DueMembership[]> {
    return this.database.run('critical', LIST_DUE, [limit]);
  }

  /** Users whose membership carries an older revision of their plan. Read without a lock as well. */
  async listBehindPlan(limit: number): Promise<string[]> {
    const rows = await this.database.run<{ userId: string }>('important', LIST_BEHIND_PLAN, [limit]);
    return rows.map(({ userId }) => userId);
  }
}
