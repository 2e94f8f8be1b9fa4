import { Injectable } from '@nestjs/common';
import { PrismaService } from '../platform/postgres/prisma.service.js';
import type { PlanBody } from './plans.schema.js';

@Injectable()
export class PlanStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Which of these prices belong to another plan. */
  async taken(planId: string, prices: readonly string[]): Promise<string[]> {
    const rows = await this.prisma.planPrice.findMany({
      where: { priceId: { in: [...prices] }, NOT: { planId } },
    });
    return rows.map((row) => row.priceId);
  }

  /** Makes the plan, or makes it anew. */
  async put(planId: string, { name, prices, capabilities }: PlanBody): Promise<void> {
    await this.prisma.$transaction([
      this.prisma.plan.upsert({
        where: { planId },
        create: { planId, name, capabilities },
        update: { name, capabilities },
      }),
      this.prisma.planPrice.deleteMany({ where: { planId, priceId: { notIn: prices } } }),
      this.prisma.planPrice.createMany({
        data: prices.map((priceId) => ({ priceId, planId })),
        skipDuplicates: true,
      }),
    ]);
  }

  async link(processor: string, customerId: string, userId: string): Promise<void> {
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
