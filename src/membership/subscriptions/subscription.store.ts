import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { Subscription } from '../membership.js';

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
const PRICES = named(
  'prices-of-plan',
  `SELECT p.plan_id AS "planId", array_agg(pp.price_id ORDER BY pp.position, pp.price_id)
     FILTER (WHERE pp.price_id IS NOT NULL) AS prices
   FROM plan p LEFT JOIN plan_price pp USING (plan_id) WHERE p.plan_id = $1 GROUP BY p.plan_id`,
);
const COLUMNS = `user_id AS "userId", processor, subscription_id AS "subscriptionId", customer_id AS "customerId", status,
  plan_id AS "planId", effective_at AS "effectiveAt", cancel_at AS "cancelAt", grace_ends_at AS "graceEndsAt", ended,
  as_of AS "asOf", fetch_sequence AS "fetchSequence", object`;
const ONE = named(
  'subscription',
  `SELECT ${COLUMNS} FROM subscription WHERE processor = $1 AND subscription_id = $2`,
);
const OF_USERS = named('subscriptions', `SELECT ${COLUMNS} FROM subscription WHERE user_id = ANY ($1)`);
const SAVE = named(
  'subscription-save',
  `INSERT INTO subscription (processor, subscription_id, user_id, customer_id, status, plan_id, effective_at, cancel_at,
     grace_ends_at, ended, as_of, fetch_sequence, object)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
   ON CONFLICT (processor, subscription_id) DO UPDATE SET status = excluded.status, plan_id = excluded.plan_id,
     effective_at = excluded.effective_at, cancel_at = excluded.cancel_at, grace_ends_at = excluded.grace_ends_at,
     ended = excluded.ended, as_of = excluded.as_of, fetch_sequence = excluded.fetch_sequence, object = excluded.object`,
);
const NEXT_TURN = named('fetch-turn', `SELECT nextval('fetch_sequence') AS turn`);
const RUNNING_AFTER = named(
  'subscriptions-after',
  `SELECT subscription_id AS "subscriptionId" FROM subscription
   WHERE processor = $1 AND subscription_id > $2 AND NOT ended ORDER BY subscription_id LIMIT $3`,
);

/** The newest word on a subscription, as it is stored. */
export interface StoredSubscription extends Subscription {
  readonly userId: string;
  readonly customerId: string;
  readonly fetchSequence: number | null;
  readonly object: Record<string, unknown>;
}

/** What the processors said of each subscription. */
@Injectable()
export class SubscriptionStore {
  constructor(private readonly database: Database) {}

  /** Whose subscription it is, by what was said of it before or by the customer's link. */
  async owner(
    tx: Transaction,
    of: { processor: string; subscriptionId: string; customerId: string },
  ): Promise<string | undefined> {
    const { processor, subscriptionId, customerId } = of;
    const [row] = await tx.run<{ userId: string | null }>(OWNER, [processor, subscriptionId, customerId]);
    return row?.userId ?? undefined;
  }

  /** The plan of the first price that belongs to one. */
  async planOf(tx: Transaction, priceIds: readonly string[]): Promise<string | undefined> {
    return (await tx.run<{ planId: string }>(PLAN_OF_PRICES, [priceIds]))[0]?.planId;
  }

  /** The plan's prices in the back office's order; undefined when there is no such plan. */
  async pricesOf(planId: string): Promise<string[] | undefined> {
    const rows = await this.database.run<{ prices: string[] | null }>('critical', PRICES, [planId]);
    return rows[0] && (rows[0].prices ?? []);
  }

  async one(tx: Transaction, processor: string, id: string): Promise<StoredSubscription | undefined> {
    return (await tx.run<StoredSubscription>(ONE, [processor, id]))[0];
  }

  /** As it is now, outside any transaction. */
  async read(processor: string, id: string): Promise<StoredSubscription | undefined> {
    return (await this.database.run<StoredSubscription>('critical', ONE, [processor, id]))[0];
  }

  /** All subscriptions of the user, as they are now, outside any transaction. */
  readOfUser(userId: string): Promise<StoredSubscription[]> {
    return this.database.run('important', OF_USERS, [[userId]]);
  }

  ofUsers(tx: Transaction, userIds: readonly string[]): Promise<StoredSubscription[]> {
    return tx.run(OF_USERS, [userIds]);
  }

  /** It stays with the user and the customer whom it was first found to belong to. */
  async save(tx: Transaction, one: StoredSubscription): Promise<void> {
    await tx.run(SAVE, [
      one.processor,
      one.subscriptionId,
      one.userId,
      one.customerId,
      one.status,
      one.planId,
      one.effectiveAt,
      one.cancelAt,
      one.graceEndsAt,
      one.ended,
      one.asOf,
      one.fetchSequence,
      JSON.stringify(one.object),
    ]);
  }

  /** The next fetch's place in the order in which fetches begin. */
  async nextFetchSequence(): Promise<number> {
    const [row] = await this.database.run<{ turn: number }>('critical', NEXT_TURN, []);
    if (!row) throw new Error('the sequence gave no turn');
    return row.turn;
  }

  /** Subscriptions that may still change, by id. */
  async runningAfter(processor: string, id: string, limit: number): Promise<string[]> {
    const rows = await this.database.run<{ subscriptionId: string }>('important', RUNNING_AFTER, [
      processor,
      id,
      limit,
    ]);
    return rows.map(({ subscriptionId }) => subscriptionId);
  }
}
