import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { PlanStore } from './plan.store.js';
import type { PlanBody } from './plans.schema.js';
import { ProcessorRegistryService } from '../processors/processor-registry.service.js';
import { WebhooksService } from '../webhooks/webhooks.service.js';

/** What the back office says of plans and customers; webhooks that waited for it are applied at once. */
@Injectable()
export class PlansService {
  constructor(
    private readonly store: PlanStore,
    private readonly webhooks: WebhooksService,
    private readonly processors: ProcessorRegistryService,
  ) {}

  /** Throws Problem price_taken. */
  async put(planId: string, body: PlanBody): Promise<void> {
    const prices = [...new Set(body.prices)];
    const taken = await this.store.taken(planId, prices);
    if (taken.length > 0) throw new Problem('price_taken', undefined, { prices: taken });
    await this.store.put(planId, { ...body, prices });
    await this.webhooks.retryWaiting(prices.map((price) => `price:${price}`));
  }

  /** Throws Problem not_found when there is no such processor. */
  async link(userId: string, processor: string, customerId: string): Promise<void> {
    this.processors.get(processor);
    await this.store.link(processor, customerId, userId);
    await this.webhooks.retryWaiting([`customer:${processor}:${customerId}`]);
  }
}
