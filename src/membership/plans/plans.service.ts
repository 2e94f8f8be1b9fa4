import { Injectable } from '@nestjs/common';
import { pageOf } from '../../platform/http/cursor.schema.js';
import { Problem } from '../../platform/http/problem.js';
import { type DescribedPlan, type ListedPlan, PlanStore } from './plan.store.js';
import type { PlanBody, PlansQuery } from './plans.schema.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { WebhookDispatchService } from '../webhooks/webhook-dispatch.service.js';

/** Saves plans and customer links for the back office, and applies the webhooks that waited for them. */
@Injectable()
export class PlansService {
  constructor(
    private readonly store: PlanStore,
    private readonly webhooks: WebhookDispatchService,
    private readonly processors: ProcessorsService,
  ) {}

  /** Returns the plans by their ids; `next` is the `after` of the next page. */
  async list({ after, limit }: PlansQuery): Promise<{ plans: ListedPlan[]; next?: string }> {
    const rows = await this.store.list(after?.[0], limit + 1);
    const { page, ...next } = pageOf(rows, limit, ({ planId }) => [planId]);
    return { plans: page, ...next };
  }

  /** Throws Problem not_found. */
  async describe(planId: string): Promise<DescribedPlan> {
    const plan = await this.store.describe(planId);
    if (!plan) throw new Problem('not_found', 'There is no such plan.');
    return plan;
  }

  /** Creates or replaces a plan. Throws Problem price_taken when another plan has one of its prices. */
  async put(planId: string, body: PlanBody): Promise<void> {
    const prices = [...new Set(body.prices)];
    const taken = await this.store.findTakenPrices(planId, prices);
    if (taken.length > 0) throw new Problem('price_taken', undefined, { prices: taken });
    await this.store.save(planId, { ...body, prices });
    await this.webhooks.applyWaiting(prices.map((price) => `price:${price}`));
  }

  /** Links a processor's customer to a user. Throws Problem not_found when there is no such processor. */
  async link(userId: string, processor: string, customerId: string): Promise<void> {
    this.processors.get(processor);
    await this.store.linkCustomer(processor, customerId, userId);
    await this.webhooks.applyWaiting([`customer:${processor}:${customerId}`]);
  }
}
