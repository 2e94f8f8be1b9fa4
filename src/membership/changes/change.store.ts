import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { Action } from '../membership.js';
import { membershipStateSql } from '../membership.fragments.js';
import { toMembershipView, type MembershipRow, type MembershipView } from '../membership-view.js';

/** The node that has a change executes it within this time, every timeout included; then any node may. */
const LEASE_SECONDS = 60;

const COLUMNS = `id, user_id AS "userId", processor, subscription_id AS "subscriptionId", action, plan_id AS "planId",
  created_at AS "createdAt"`;
const INSERT = named(
  'change-insert',
  `INSERT INTO membership_change (id, user_id, processor, subscription_id, action, plan_id, next_attempt_at, bucket)
   VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 second', bucket_of($2))
   ON CONFLICT (user_id, bucket) WHERE status = 'pending' DO NOTHING RETURNING ${COLUMNS}`,
);
const CLAIM = named(
  'change-claim',
  `UPDATE membership_change SET attempts = attempts + 1, next_attempt_at = now() + $2 * interval '1 second'
   WHERE id IN (
     SELECT id FROM membership_change WHERE status = 'pending' AND next_attempt_at <= now()
     ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED
   ) RETURNING ${COLUMNS}`,
);
const POSTPONE = named(
  'change-postpone',
  `UPDATE membership_change SET next_attempt_at = now() + least(300, power(2, attempts)) * interval '1 second'
   WHERE id = $1 AND status = 'pending'`,
);
const SETTLE = named(
  'change-settle',
  `UPDATE membership_change SET status = $2, reason = $3, settled_at = now() WHERE id = $1 AND status = 'pending'`,
);
const GET_MEMBERSHIP = named(
  'membership-view',
  `SELECT iso(now()) AS now, (${membershipStateSql('$1')}) AS membership`,
);

/** A change that a user asked for. Its id begins with the user's bucket (newIdOf). */
export interface MembershipChangeRequest {
  readonly id: string;
  readonly userId: string;
  readonly processor: string;
  readonly subscriptionId: string;
  readonly action: Action;
  readonly planId: string | null;
  readonly createdAt: Date;
}

/** Changes that users asked for, stored before they are sent to the processor: when a node dies, another one executes them. */
@Injectable()
export class ChangeStore {
  constructor(private readonly database: Database) {}

  /** Stores a pending change, leased to the caller. Returns undefined when the user has another pending one. */
  async insert(
    tx: Transaction,
    change: Omit<MembershipChangeRequest, 'createdAt'>,
  ): Promise<MembershipChangeRequest | undefined> {
    const { id, userId, processor, subscriptionId, action, planId } = change;
    const values = [id, userId, processor, subscriptionId, action, planId, LEASE_SECONDS];
    return (await tx.run<MembershipChangeRequest>(INSERT, values))[0];
  }

  /** Leases pending changes whose next attempt is due to the caller. */
  claim(limit: number): Promise<MembershipChangeRequest[]> {
    return this.database.run('critical', CLAIM, [limit, LEASE_SECONDS]);
  }

  /** Makes the next attempt due after 1, 2, 4 … 300 s. */
  async postpone(id: string): Promise<void> {
    await this.database.run('critical', POSTPONE, [id]);
  }

  /** The user's membership as clients see it now. */
  async getMembership(userId: string): Promise<MembershipView> {
    const [row] = await this.database.run<{ now: string; membership: MembershipRow }>(
      'critical',
      GET_MEMBERSHIP,
      [userId],
    );
    if (!row) throw new Error('the statement returned no row');
    return toMembershipView(row.membership, row.now);
  }

  async settle(id: string, status: 'done' | 'refused', reason?: string): Promise<void> {
    await this.database.run('critical', SETTLE, [id, status, reason ?? null]);
  }
}
