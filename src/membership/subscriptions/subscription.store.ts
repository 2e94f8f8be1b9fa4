import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { forAnyValue, named } from '../../platform/postgres/statement.js';
import { type StoredSubscription, SubscriptionTaken } from './update-rules.js';

const FIND_OWNER = named(
  'subscription-owner',
  `SELECT coalesce(
     (SELECT user_id FROM subscription_owner WHERE processor = $1 AND subscription_id = $2),
     (SELECT user_id FROM processor_link WHERE processor = $1 AND customer_id = $3)) AS "userId"`,
);
const FIND_PLAN = named(
  'plan-of-prices',
  `SELECT plan_id AS "planId" FROM plan_price WHERE price_id = ANY (${forAnyValue('$1', 'text[]')}) ORDER BY array_position($1, price_id) LIMIT 1`,
);
const LIST_PRICES = named(
  'prices-of-plan',
  `SELECT p.plan_id AS "planId", array_agg(pp.price_id ORDER BY pp.position, pp.price_id)
     FILTER (WHERE pp.price_id IS NOT NULL) AS prices
   FROM plan p LEFT JOIN plan_price pp USING (plan_id) WHERE p.plan_id = $1 GROUP BY p.plan_id`,
);
const COLUMNS = `user_id AS "userId", processor, subscription_id AS "subscriptionId", customer_id AS "customerId", status,
  plan_id AS "planId", effective_at AS "effectiveAt", cancel_at AS "cancelAt", grace_ends_at AS "graceEndsAt", ended,
  as_of AS "asOf", fetch_sequence AS "fetchSequence", object`;
const GET = named(
  'subscription',
  `SELECT ${COLUMNS} FROM subscription WHERE processor = $1 AND subscription_id = $2 AND user_id = $3`,
);
const LIST = named(
  'subscriptions',
  `SELECT ${COLUMNS} FROM subscription WHERE user_id = ANY (${forAnyValue('$1', 'text[]')})`,
);
/** Inserts nothing when the subscription has an owner: for one that begins at this moment, this waits until it is known whose it is. */
const INSERT = named(
  'subscription-insert',
  `WITH claimed AS (
     INSERT INTO subscription_owner (processor, subscription_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING user_id
   )
   INSERT INTO subscription (processor, subscription_id, user_id, status, plan_id, effective_at, cancel_at, grace_ends_at, ended, as_of,
     fetch_sequence, object, customer_id, bucket)
   SELECT $1, $2, user_id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, bucket_of(user_id) FROM claimed RETURNING 1`,
);
const UPDATE = named(
  'subscription-update',
  `UPDATE subscription SET status = $4, plan_id = $5, effective_at = $6, cancel_at = $7, grace_ends_at = $8, ended = $9, as_of = $10,
     fetch_sequence = $11, object = $12
   WHERE processor = $1 AND subscription_id = $2 AND user_id = $3`,
);
const BEGIN_FETCH = named(
  'fetch-begin',
  `SELECT nextval('fetch_sequence') AS "fetchSequence", statement_timestamp() AS "fetchedFrom"`,
);
const LIST_RUNNING = named(
  'subscriptions-running',
  `SELECT subscription_id AS "subscriptionId" FROM subscription
   WHERE processor = $1 AND subscription_id > $2 AND NOT ended ORDER BY subscription_id LIMIT $3`,
);

/** A subscription of a user. */
export interface SubscriptionRef {
  readonly userId: string;
  readonly processor: string;
  readonly subscriptionId: string;
}

/** A fetch that is about to begin. */
export interface FetchBeginning {
  readonly fetchSequence: number;
  readonly fetchedFrom: Date;
}

/** The newest known state of each subscription. A method that ends in `In` reads within the caller's transaction. */
@Injectable()
export class SubscriptionStore {
  constructor(private readonly database: Database) {}

  /** The user whom the subscription belongs to already, else the one whom its customer is linked to. */
  async findOwner(
    tx: Transaction,
    subscription: { processor: string; subscriptionId: string; customerId: string },
  ): Promise<string | undefined> {
    const { processor, subscriptionId, customerId } = subscription;
    const [row] = await tx.run<{ userId: string | null }>(FIND_OWNER, [
      processor,
      subscriptionId,
      customerId,
    ]);
    return row?.userId ?? undefined;
  }

  /** The plan of the first of these prices that belongs to a plan. */
  async findPlan(tx: Transaction, priceIds: readonly string[]): Promise<string | undefined> {
    return (await tx.run<{ planId: string }>(FIND_PLAN, [priceIds]))[0]?.planId;
  }

  /** The plan's prices in the back office's order; undefined when there is no such plan. */
  async listPrices(planId: string): Promise<string[] | undefined> {
    const rows = await this.database.run<{ prices: string[] | null }>('critical', LIST_PRICES, [planId]);
    return rows[0] && (rows[0].prices ?? []);
  }

  /** Undefined also when it is another user's. */
  async get(subscription: SubscriptionRef): Promise<StoredSubscription | undefined> {
    return (await this.database.run<StoredSubscription>('critical', GET, keyOf(subscription)))[0];
  }

  /** Undefined also when it is another user's. */
  async getIn(tx: Transaction, subscription: SubscriptionRef): Promise<StoredSubscription | undefined> {
    return (await tx.run<StoredSubscription>(GET, keyOf(subscription)))[0];
  }

  listOfUser(userId: string): Promise<StoredSubscription[]> {
    return this.database.run('important', LIST, [[userId]]);
  }

  listOfUsersIn(tx: Transaction, userIds: readonly string[]): Promise<StoredSubscription[]> {
    return tx.run(LIST, [userIds]);
  }

  /** Inserts one that the user did not have; throws SubscriptionTaken when another user has it since. */
  async insert(tx: Transaction, subscription: StoredSubscription): Promise<void> {
    if (!(await this.insertUnlessTaken(tx, subscription))) throw new SubscriptionTaken(subscription);
  }

  /** Inserts one that the user does not have. Returns false, and changes nothing, when another user has it. */
  async insertUnlessTaken(tx: Transaction, subscription: StoredSubscription): Promise<boolean> {
    const rows = await tx.run(INSERT, [...valuesOf(subscription), subscription.customerId]);
    return rows.length > 0;
  }

  /** Updates one of the user's. Its customer stays that of the insert. */
  async update(tx: Transaction, subscription: StoredSubscription): Promise<void> {
    await tx.run(UPDATE, valuesOf(subscription));
  }

  /** The next fetch's place in the order in which fetches begin, across all nodes, and when it begins, by PostgreSQL's clock. */
  async beginFetch(): Promise<FetchBeginning> {
    const [row] = await this.database.run<FetchBeginning>('critical', BEGIN_FETCH, []);
    if (!row) throw new Error('nextval returned no row');
    return row;
  }

  /** Ids of the processor's subscriptions that have not ended, in order, after `afterId`. */
  async listRunning(processor: string, afterId: string, limit: number): Promise<string[]> {
    const rows = await this.database.run<{ subscriptionId: string }>('important', LIST_RUNNING, [
      processor,
      afterId,
      limit,
    ]);
    return rows.map(({ subscriptionId }) => subscriptionId);
  }
}

const keyOf = ({ processor, subscriptionId, userId }: SubscriptionRef): string[] => [
  processor,
  subscriptionId,
  userId,
];

const valuesOf = (subscription: StoredSubscription): unknown[] => [
  ...keyOf(subscription),
  subscription.status,
  subscription.planId,
  subscription.effectiveAt,
  subscription.cancelAt,
  subscription.graceEndsAt,
  subscription.ended,
  subscription.asOf,
  subscription.fetchSequence,
  JSON.stringify(subscription.object),
];
