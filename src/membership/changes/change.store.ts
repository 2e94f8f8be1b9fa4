import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { Action } from '../membership.js';
import { membershipStateSql } from '../membership.fragments.js';
import { toMembershipView, type MembershipRow, type MembershipView } from '../membership-view.js';

const COLUMNS = `id, user_id AS "userId", processor, subscription_id AS "subscriptionId", action, plan_id AS "planId",
  created_at AS "createdAt"`;
const BEGIN = named(
  'change-begin',
  `INSERT INTO membership_change (id, user_id, processor, subscription_id, action, plan_id, next_attempt_at)
   VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 second')
   ON CONFLICT (user_id) WHERE status = 'pending' DO NOTHING RETURNING ${COLUMNS}`,
);
const CLAIM = named(
  'change-claim',
  `UPDATE membership_change SET attempts = attempts + 1, next_attempt_at = now() + $2 * interval '1 second'
   WHERE id IN (
     SELECT id FROM membership_change WHERE status = 'pending' AND next_attempt_at <= now()
     ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED
   ) RETURNING ${COLUMNS}`,
);
const LATER = named(
  'change-later',
  `UPDATE membership_change SET next_attempt_at = now() + least(300, power(2, attempts)) * interval '1 second'
   WHERE id = $1 AND status = 'pending'`,
);
const SETTLE = named(
  'change-settle',
  `UPDATE membership_change SET status = $2, reason = $3, settled_at = now() WHERE id = $1 AND status = 'pending'`,
);

const SHOWN = named(
  'membership-shown',
  `SELECT iso(now()) AS now, (${membershipStateSql('$1')}) AS membership`,
);

/** A change that a user asked for, on its way to the processor. */
export interface MembershipChangeRequest {
  readonly id: string;
  readonly userId: string;
  readonly processor: string;
  readonly subscriptionId: string;
  readonly action: Action;
  readonly planId: string | null;
  readonly createdAt: Date;
}

/** What users asked for, kept before the processor is told: a node that dies in between leaves it to the others. */
@Injectable()
export class ChangeStore {
  constructor(private readonly database: Database) {}

  /** Others may carry it out after so many seconds. Undefined when another one of the user is pending. */
  async begin(
    tx: Transaction,
    change: Omit<MembershipChangeRequest, 'createdAt'>,
    aloneSeconds: number,
  ): Promise<MembershipChangeRequest | undefined> {
    const { id, userId, processor, subscriptionId, action, planId } = change;
    const values = [id, userId, processor, subscriptionId, action, planId, aloneSeconds];
    return (await tx.run<MembershipChangeRequest>(BEGIN, values))[0];
  }

  /** Pending ones that nobody works on; each is the caller's for so many seconds. */
  claim(limit: number, aloneSeconds: number): Promise<MembershipChangeRequest[]> {
    return this.database.run('critical', CLAIM, [limit, aloneSeconds]);
  }

  /** It is tried again after 1, 2, 4 … 300 s. */
  async later(id: string): Promise<void> {
    await this.database.run('critical', LATER, [id]);
  }

  /** The membership as it is shown now. */
  async membership(userId: string): Promise<MembershipView> {
    const [row] = await this.database.run<{ now: string; membership: MembershipRow }>('critical', SHOWN, [
      userId,
    ]);
    if (!row) throw new Error('the statement gave no row');
    return toMembershipView(row.membership, row.now);
  }

  async settle(id: string, status: 'done' | 'refused', reason?: string): Promise<void> {
    await this.database.run('critical', SETTLE, [id, status, reason ?? null]);
  }
}
