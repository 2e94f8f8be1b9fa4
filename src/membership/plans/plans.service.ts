import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { PlanStore } from './plan.store.js';
import type { PlanBody } from './plans.schema.js';
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
