import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { type AuditContext, type AuditedAct, changedFields } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { pageOf } from '../../platform/http/cursor.schema.js';
import { Problem } from '../../platform/http/problem.js';
import { type CustomerLink, type DescribedPlan, type ListedPlan, PlanStore } from './plan.store.js';
import type { PlanBody, PlanPreview, PlansQuery } from './plans.schema.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { WebhookDispatchService } from '../webhooks/webhook-dispatch.service.js';

/** Saves plans and customer links for the back office, and applies the webhooks that waited for them. */
@Injectable()
export class PlansService {
  constructor(
    private readonly store: PlanStore,
    private readonly webhooks: WebhookDispatchService,
    private readonly processors: ProcessorsService,
    private readonly audit: AuditService,
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

  /** Returns what `put` would change, and for whom; changes nothing. */
  async preview(planId: string, body: PlanBody): Promise<PlanPreview> {
    const prices = [...new Set(body.prices)];
    const wanted = { ...body, prices };
    const [{ plan, members }, takenPrices] = await Promise.all([
      this.store.preview(planId),
      this.store.findTakenPrices(planId, prices),
    ]);
    const { before, after } = changedFields(plan ?? undefined, wanted);
    const isAffecting = plan !== null && !isDeepStrictEqual(plan.capabilities, wanted.capabilities);
    const affected = isAffecting ? members.reduce((sum, { count }) => sum + count, 0) : 0;
    const action = plan === null ? 'create' : after === undefined ? 'keep' : 'change';
    return { planId, action, before: before ?? null, after: after ?? null, takenPrices, members, affected };
  }

  /** Creates or replaces a plan. Throws Problem price_taken, and stores nothing, when another plan has one of its prices. */
  async put(planId: string, body: PlanBody, by: AuditContext): Promise<void> {
    const prices = [...new Set(body.prices)];
    const plan = { ...body, prices };
    await this.audit.transaction('important', by, async (tx) => {
      const { before, takenPrices } = await this.store.save(tx, planId, plan);
      if (takenPrices.length > 0) throw new Problem('price_taken', undefined, { prices: takenPrices });
      return { outcome: undefined, acts: [planPut(planId, before, plan)] };
    });
    await this.webhooks.applyWaiting(prices.map((price) => `price:${price}`));
  }

  /**
   * Links a processor's customer to a user. Returns the customer's id as the processor's webhooks have it. Throws Problem not_found when
   * there is no such processor.
   */
  async link(userId: string, processor: string, wanted: string, by: AuditContext): Promise<string> {
    this.processors.get(processor);
    const customerId = this.processors.canonicalCustomerId(processor, wanted);
    await this.audit.transaction('important', by, async (tx) => {
      const before = await this.store.linkCustomer(tx, processor, customerId, userId);
      return { outcome: undefined, acts: linkPut(processor, { customerId, userId }, before) };
    });
    await this.webhooks.applyWaiting([`customer:${processor}:${customerId}`]);
    return customerId;
  }
}

function planPut(planId: string, before: PlanBody | undefined, after: PlanBody): AuditedAct {
  return {
    action: 'plan.put',
    target: { kind: 'plan', id: planId },
    before,
    after,
    result: isDeepStrictEqual(before, after) ? 'unchanged' : 'done',
  };
}

/** A customer who was another user's is told of that user too: each entry is erased with its own user. */
function linkPut(processor: string, link: CustomerLink, before: readonly CustomerLink[]): AuditedAct[] {
  const { customerId, userId } = link;
  const target = { kind: 'customer', id: `${processor}:${customerId}` };
  const was = before.find((one) => one.userId === userId);
  const loser = before.find((one) => one.userId !== userId);
  const result = was?.customerId === customerId ? 'unchanged' : 'done';
  return [
    ...(loser
      ? [
          {
            action: 'link.remove',
            target,
            userId: loser.userId,
            before: { customerId },
            result: 'done',
          } as const,
        ]
      : []),
    {
      action: 'link.put',
      target,
      userId,
      before: was && { customerId: was.customerId },
      after: { customerId },
      result,
    },
  ];
}
