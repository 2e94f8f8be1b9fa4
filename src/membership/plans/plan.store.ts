import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { PrismaService } from '../../platform/postgres/prisma.service.js';
import { named } from '../../platform/postgres/statement.js';
import { userLock } from '../membership.fragments.js';
import type { PlanBody } from './plans.schema.js';

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
const LOCK_USER = named('link-lock', `SELECT ${userLock('$1::text')}`);
/** Two users who exchange their customers lock both rows in the same order. */
const LOCK_LINKS = named(
  'link-lock-rows',
  'SELECT FROM processor_link WHERE processor = $1 AND (customer_id = $2 OR user_id = $3) ORDER BY customer_id FOR UPDATE',
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

  /** Those of the prices that belong to another plan. */
  async findTakenPrices(planId: string, prices: readonly string[]): Promise<string[]> {
    const rows = await this.prisma.planPrice.findMany({
      where: { priceId: { in: [...prices] }, NOT: { planId } },
    });
    return rows.map((row) => row.priceId);
  }

  /** Creates or replaces the plan. Other capabilities are a new revision, which PlanRolloutWorker rolls out to its users. */
  async save(planId: string, { name, prices, capabilities }: PlanBody): Promise<void> {
    const json = JSON.stringify(capabilities);
    await this.prisma.$transaction([
      this.prisma.$executeRaw`
        INSERT INTO plan (plan_id, name, capabilities, updated_at) VALUES (${planId}, ${name}, ${json}::jsonb, now())
        ON CONFLICT (plan_id) DO UPDATE SET name = excluded.name, capabilities = excluded.capabilities, updated_at = excluded.updated_at,
          revision = plan.revision + (plan.capabilities IS DISTINCT FROM excluded.capabilities)::int`,
      this.prisma.planPrice.deleteMany({ where: { planId } }),
      this.prisma.planPrice.createMany({
        data: prices.map((priceId, position) => ({ priceId, planId, position })),
        skipDuplicates: true,
      }),
    ]);
  }

  /** Links the customer to the user, and no other customer of that processor any more: under the user's lock, so that one remains. */
  async linkCustomer(processor: string, customerId: string, userId: string): Promise<void> {
    await this.database.transaction('important', async (tx) => {
      await tx.run(LOCK_USER, [userId]);
      await tx.run(LOCK_LINKS, [processor, customerId, userId]);
      await tx.run(UNLINK_OTHERS, [processor, customerId, userId]);
      await tx.run(LINK, [processor, customerId, userId]);
    });
  }
}
