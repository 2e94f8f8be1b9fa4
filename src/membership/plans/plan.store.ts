import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { PrismaService } from '../../platform/postgres/prisma.service.js';
import { named } from '../../platform/postgres/statement.js';
import { userLock } from '../membership.fragments.js';
import type { PlanBody, PlanPreview } from './plans.schema.js';

const COLUMNS = `p.plan_id AS "planId", p.name, p.capabilities, p.revision, iso(p.updated_at) AS "updatedAt",
  (SELECT coalesce(json_agg(x.price_id ORDER BY x.position, x.price_id), '[]') FROM plan_price x WHERE x.plan_id = p.plan_id) AS prices`;
const LIST = named(
  'plan-list',
  `SELECT ${COLUMNS} FROM plan p WHERE $1::text IS NULL OR p.plan_id > $1 ORDER BY p.plan_id LIMIT $2`,
);
/** Counting more would cost more than the number is worth. A membership without a revision grants nothing at the moment. */
const MAX_MEMBERS = 100_000;
const members = (condition: string): string =>
  `(SELECT count(*) FROM (SELECT FROM membership m WHERE m.plan_id = p.plan_id AND ${condition} LIMIT ${MAX_MEMBERS}) AS counted)`;
const DESCRIBE = named(
  'plan-describe',
  `SELECT ${COLUMNS}, ${members('m.plan_revision IS NOT NULL')} AS members, ${members('m.plan_revision < p.revision')} AS behind
   FROM plan p WHERE p.plan_id = $1`,
);
const PREVIEW = named(
  'plan-preview',
  `SELECT (SELECT row_to_json(x) FROM (SELECT p.name, p.capabilities,
       ARRAY(SELECT price_id FROM plan_price x WHERE x.plan_id = p.plan_id ORDER BY position) AS prices
       FROM plan p WHERE p.plan_id = $1) AS x) AS plan,
     (SELECT coalesce(json_agg(s ORDER BY s.count DESC, s.status), '[]') FROM (
       SELECT status, count(*) AS count FROM (
         SELECT m.status FROM membership m WHERE m.plan_id = $1 AND m.plan_revision IS NOT NULL LIMIT ${MAX_MEMBERS}) AS counted
       GROUP BY status) AS s) AS members`,
);
const LOCK_USER = named('link-lock', `SELECT ${userLock('$1::text')}`);
/** One at a time of all plans: two that want the same prices do not wait for each other. Whoever comes second sees what the first one stored. */
const LOCK_PLANS = named('plans-lock', `SELECT pg_advisory_xact_lock(hashtextextended('plans', 0))`);
const READ_PLAN = named(
  'plan-read',
  `SELECT name, capabilities,
     ARRAY(SELECT price_id FROM plan_price x WHERE x.plan_id = p.plan_id ORDER BY position) AS prices
   FROM plan p WHERE plan_id = $1`,
);
const SAVE_PLAN = named(
  'plan-save',
  `INSERT INTO plan (plan_id, name, capabilities, updated_at) VALUES ($1, $2, $3, now())
   ON CONFLICT (plan_id) DO UPDATE SET name = excluded.name, capabilities = excluded.capabilities, updated_at = excluded.updated_at,
     revision = plan.revision + (plan.capabilities IS DISTINCT FROM excluded.capabilities)::int`,
);
const REMOVE_PRICES = named('plan-remove-prices', 'DELETE FROM plan_price WHERE plan_id = $1');
const SAVE_PRICES = named(
  'plan-save-prices',
  `INSERT INTO plan_price (price_id, plan_id, position)
   SELECT price_id, $1, n - 1 FROM unnest($2::text[]) WITH ORDINALITY AS u (price_id, n) ON CONFLICT DO NOTHING
   RETURNING price_id AS "priceId"`,
);
/** Two users who exchange their customers lock both rows in the same order. */
const LOCK_LINKS = named(
  'link-lock-rows',
  'SELECT customer_id AS "customerId", user_id AS "userId" FROM processor_link WHERE processor = $1 AND (customer_id = $2 OR user_id = $3) ORDER BY customer_id FOR UPDATE',
);
const UNLINK_OTHERS = named(
  'link-remove-others',
  'DELETE FROM processor_link WHERE user_id = $3 AND processor = $1 AND customer_id <> $2',
);
const LINK = named(
  'link',
  `INSERT INTO processor_link (processor, customer_id, user_id) VALUES ($1, $2, $3)
   ON CONFLICT (processor, customer_id) DO UPDATE SET user_id = excluded.user_id`,
);

/** A plan of the catalogue as people see it. */
export interface ListedPlan extends PlanBody {
  readonly planId: string;
  readonly revision: number;
  /** ISO 8601. */
  readonly updatedAt: string;
}

/** The same with how many members it has, and how many of these have not got its newest capabilities yet; both up to MAX_MEMBERS. */
export interface DescribedPlan extends ListedPlan {
  readonly members: number;
  readonly behind: number;
}

/** Which user a processor's customer is. */
export interface CustomerLink {
  readonly customerId: string;
  readonly userId: string;
}

/** The plan catalogue with the processors' prices, and the links between processors' customers and users. */
@Injectable()
export class PlanStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly database: Database,
  ) {}

  /** At most `limit` plans by their ids, of those after `after`. */
  list(after: string | undefined, limit: number): Promise<ListedPlan[]> {
    return this.database.run('important', LIST, [after ?? null, limit]);
  }

  /** Undefined when there is no such plan. */
  async describe(planId: string): Promise<DescribedPlan | undefined> {
    return (await this.database.run<DescribedPlan>('routine', DESCRIBE, [planId]))[0];
  }

  /** Returns the plan as it is, null when there is none, and its members by their status, up to MAX_MEMBERS. */
  async preview(planId: string): Promise<{ plan: PlanBody | null; members: PlanPreview['members'] }> {
    type Row = { plan: PlanBody | null; members: PlanPreview['members'] };
    const [row] = await this.database.run<Row>('routine', PREVIEW, [planId]);
    if (!row) throw new Error('the query returns one row');
    return row;
  }

  /** Those of the prices that belong to another plan. */
  async findTakenPrices(planId: string, prices: readonly string[]): Promise<string[]> {
    const rows = await this.prisma.planPrice.findMany({
      where: { priceId: { in: [...prices] }, NOT: { planId } },
    });
    return rows.map((row) => row.priceId);
  }

  /**
   * Creates or replaces the plan, and returns what it was; undefined if it is new. Other capabilities are a new revision, which
   * PlanRolloutWorker rolls out to its users. `takenPrices` belong to another plan and are not saved: then the caller rolls back.
   */
  async save(
    tx: Transaction,
    planId: string,
    { name, prices, capabilities }: PlanBody,
  ): Promise<{ before: PlanBody | undefined; takenPrices: string[] }> {
    await tx.run(LOCK_PLANS, []);
    const [before] = await tx.run<PlanBody>(READ_PLAN, [planId]);
    await tx.run(SAVE_PLAN, [planId, name, JSON.stringify(capabilities)]);
    await tx.run(REMOVE_PRICES, [planId]);
    const saved = await tx.run<{ priceId: string }>(SAVE_PRICES, [planId, prices]);
    const own = new Set(saved.map(({ priceId }) => priceId));
    return { before, takenPrices: prices.filter((price) => !own.has(price)) };
  }

  /**
   * Links the customer to the user, and no other customer of that processor any more: under the user's lock, so that one remains.
   * Returns the links of both that there were.
   */
  async linkCustomer(
    tx: Transaction,
    processor: string,
    customerId: string,
    userId: string,
  ): Promise<CustomerLink[]> {
    await tx.run(LOCK_USER, [userId]);
    const before = await tx.run<CustomerLink>(LOCK_LINKS, [processor, customerId, userId]);
    await tx.run(UNLINK_OTHERS, [processor, customerId, userId]);
    await tx.run(LINK, [processor, customerId, userId]);
    return before;
  }
}
