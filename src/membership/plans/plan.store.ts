import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../platform/postgres/prisma.service.js';
import type { PlanBody } from './plans.schema.js';

/** The plan catalogue with the processors' prices, and the links between processors' customers and users. */
@Injectable()
export class PlanStore {
  constructor(private readonly prisma: PrismaService) {}

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

  /** Links the customer to the user, and no other customer of that processor any more. */
  async linkCustomer(processor: string, customerId: string, userId: string): Promise<void> {
    await this.prisma.$transaction([
      this.prisma.processorLink.deleteMany({ where: { processor, userId, NOT: { customerId } } }),
      this.prisma.processorLink.upsert({
        where: { processor_customerId: { processor, customerId } },
        create: { processor, customerId, userId },
        update: { userId },
      }),
    ]);
  }
}
