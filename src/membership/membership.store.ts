import { Injectable } from '@nestjs/common';
import type { Transaction } from '../platform/postgres/database.js';
import { named } from '../platform/postgres/statement.js';
import type { Capabilities, MembershipContent, Status, Subscription } from './membership.js';

/** All changes of one user's membership happen one after the other. */
const LOCK_USER = named(
  'membership-lock',
  `SELECT pg_advisory_xact_lock(hashtextextended('membership:' || $1, 0))`,
);
const OWNER = named(
  'subscription-owner',
  `SELECT coalesce(
     (SELECT user_id FROM subscription WHERE processor = $1 AND subscription_id = $2),
     (SELECT user_id FROM processor_link WHERE processor = $1 AND customer_id = $3)) AS "userId"`,
);
const PLAN_OF_PRICES = named(
  'plan-of-prices',
  `SELECT plan_id AS "planId" FROM plan_price WHERE price_id = ANY ($1) ORDER BY array_position($1, price_id) LIMIT 1`,
);
const CAPABILITIES = named('plan-capabilities', 'SELECT capabilities FROM plan WHERE plan_id = $1');
const SUBSCRIPTION_COLUMNS = `subscription_id AS "subscriptionId", customer_id AS "customerId", status, plan_id AS "planId",
  effective_at AS "effectiveAt", cancel_at AS "cancelAt", ended, as_of AS "asOf", object`;
const SUBSCRIPTION = named(
  'subscription',
  `SELECT ${SUBSCRIPTION_COLUMNS} FROM subscription WHERE processor = $1 AND subscription_id = $2`,
);
const SUBSCRIPTIONS = named(
  'subscriptions',
  `SELECT ${SUBSCRIPTION_COLUMNS} FROM subscription WHERE user_id = $1`,
);
const SAVE_SUBSCRIPTION = named(
  'subscription-save',
  `INSERT INTO subscription (processor, subscription_id, user_id, customer_id, status, plan_id, effective_at, cancel_at, ended, as_of, object)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
   ON CONFLICT (processor, subscription_id) DO UPDATE SET status = excluded.status, plan_id = excluded.plan_id,
     effective_at = excluded.effective_at, cancel_at = excluded.cancel_at, ended = excluded.ended, as_of = excluded.as_of, object = excluded.object`,
);
const CURRENT = named(
  'membership',
  `SELECT version, status, plan_id AS "planId", effective_at AS "effectiveAt", cancel_at AS "cancelAt" FROM membership WHERE user_id = $1`,
);
const SAVE = named(
  'membership-save',
  `WITH saved AS (
     INSERT INTO membership AS m (user_id, version, status, plan_id, effective_at, cancel_at, reason, updated_at)
     VALUES ($1, 1, $2, $3, $4, $5, $6, now())
     ON CONFLICT (user_id) DO UPDATE SET version = m.version + 1, status = excluded.status, plan_id = excluded.plan_id,
       effective_at = excluded.effective_at, cancel_at = excluded.cancel_at, reason = excluded.reason, updated_at = now()
     RETURNING version
   )
   INSERT INTO membership_history (user_id, version, status, plan_id, effective_at, cancel_at, reason, processor, webhook_id, recorded_at)
   SELECT $1, version, $2, $3, $4, $5, $6, $7, $8, now() FROM saved
   RETURNING version`,
);

export interface StoredSubscription extends Subscription {
  readonly subscriptionId: string;
  readonly customerId: string;
  readonly object: Record<string, unknown>;
}

export interface CurrentMembership extends MembershipContent {
  readonly version: number;
  readonly status: Status;
}

/** Who said what made a new version. */
export interface Source {
  readonly processor: string;
  readonly webhookId: string;
  readonly reason: string;
}

/** The truth about plans. Every act runs within a transaction that holds the user's lock. */
@Injectable()
export class MembershipStore {
  async lockUser(tx: Transaction, userId: string): Promise<void> {
    await tx.run(LOCK_USER, [userId]);
  }

  /** Whose subscription it is, by what was said of it before or by the customer's link. */
  async owner(
    tx: Transaction,
    of: { processor: string; subscriptionId: string; customerId: string },
  ): Promise<string | undefined> {
    const [row] = await tx.run<{ userId: string | null }>(OWNER, [
      of.processor,
      of.subscriptionId,
      of.customerId,
    ]);
    return row?.userId ?? undefined;
  }

  /** The plan of the first price that belongs to one. */
  async planOf(tx: Transaction, priceIds: readonly string[]): Promise<string | undefined> {
    return (await tx.run<{ planId: string }>(PLAN_OF_PRICES, [priceIds]))[0]?.planId;
  }

  async capabilities(tx: Transaction, planId: string): Promise<Capabilities | undefined> {
    return (await tx.run<{ capabilities: Capabilities }>(CAPABILITIES, [planId]))[0]?.capabilities;
  }

  async subscription(
    tx: Transaction,
    processor: string,
    subscriptionId: string,
  ): Promise<StoredSubscription | undefined> {
    return (await tx.run<StoredSubscription>(SUBSCRIPTION, [processor, subscriptionId]))[0];
  }

  subscriptions(tx: Transaction, userId: string): Promise<StoredSubscription[]> {
    return tx.run(SUBSCRIPTIONS, [userId]);
  }

  async saveSubscription(
    tx: Transaction,
    of: { processor: string; userId: string },
    subscription: StoredSubscription,
  ): Promise<void> {
    const { subscriptionId, customerId, status, planId, effectiveAt, cancelAt, ended, asOf, object } =
      subscription;
    const values = [
      of.processor,
      subscriptionId,
      of.userId,
      customerId,
      status,
      planId,
      effectiveAt,
      cancelAt,
      ended,
      asOf,
    ];
    await tx.run(SAVE_SUBSCRIPTION, [...values, JSON.stringify(object)]);
  }

  async current(tx: Transaction, userId: string): Promise<CurrentMembership | undefined> {
    return (await tx.run<CurrentMembership>(CURRENT, [userId]))[0];
  }

  /** Makes the next version and its line in the history. Answers the version. */
  async save(tx: Transaction, userId: string, content: MembershipContent, source: Source): Promise<number> {
    const { status, planId, effectiveAt, cancelAt } = content;
    const values = [
      userId,
      status,
      planId,
      effectiveAt,
      cancelAt,
      source.reason,
      source.processor,
      source.webhookId,
    ];
    const [row] = await tx.run<{ version: number }>(SAVE, values);
    if (!row) throw new Error('no membership was saved');
    return row.version;
  }
}
