import { Injectable, Logger } from '@nestjs/common';
import { QueueFull } from '../../platform/scheduling/batcher.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { type MembershipChangeRequest, ChangeStore } from './change.store.js';
import { SubscriptionFetchService } from '../subscriptions/subscription-fetch.service.js';
import { type ChangeOrder, ChangeRefused, ProcessorUnavailable } from '../processors/processor.js';
import { ProcessorBudgetService } from '../processors/processor-budget.service.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { SubscriptionStore } from '../subscriptions/subscription.store.js';

/** Stripe keeps an idempotency key for at least 24 hours (docs.stripe.com/api/idempotent_requests); a later retry could act twice. */
const GIVE_UP_AFTER_MS = 23 * 3_600_000;

/** What became of a change so far. `reason` is shown to people. */
export type ChangeProgress =
  | { readonly status: 'done' }
  | { readonly status: 'pending' }
  | { readonly status: 'refused'; readonly reason: string };

/**
 * Executes a change at the processor and applies the result. Every attempt, on whatever node, sends the same idempotency key, so the
 * change happens once.
 */
@Injectable()
export class ChangeExecutionService {
  private readonly log = new Logger('membership');

  constructor(
    private readonly store: ChangeStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly processors: ProcessorsService,
    private readonly fetches: SubscriptionFetchService,
    private readonly budgets: ProcessorBudgetService,
  ) {}

  /** Whether users can change subscriptions of this processor from here. Throws Problem not_found. */
  canChange(processor: string): boolean {
    return this.processors.get(processor).api?.change !== undefined;
  }

  /** Attempts the change; one that fails stays pending and is retried. Throws only in an outage of PostgreSQL, and then it is pending too. */
  async execute(change: MembershipChangeRequest): Promise<ChangeProgress> {
    try {
      // Not after an attempt: after an outage of a day there was none for long, and this one could act twice.
      if (Date.now() - change.createdAt.getTime() > GIVE_UP_AFTER_MS) throw new ChangeRefused('gave_up');
      await this.attempt(change);
      return { status: 'done' };
    } catch (error) {
      return this.handleFailure(change, error);
    }
  }

  /** The change is settled last: when applying the result fails it is sent again, which has no second effect. */
  private async attempt(change: MembershipChangeRequest): Promise<void> {
    const { id, processor: name, subscriptionId, action } = change;
    const processor = this.processors.findWithApi(name);
    if (!processor?.api.change) throw new ProcessorUnavailable(`the API of ${name} cannot be called here`);
    const order = await this.toOrder(change);
    await this.budgets.take(processor, 'change');
    await processor.api.change(order);
    const source = { processor: name, webhookId: null, reason: `user.${action}` };
    await this.fetches.fetchAndApply(processor, subscriptionId, source);
    await this.store.settle(id, 'done');
  }

  private async toOrder(change: MembershipChangeRequest): Promise<ChangeOrder> {
    const { id, subscriptionId, action, planId } = change;
    const subscription = await this.subscriptions.get(change);
    if (!subscription) throw new ChangeRefused('There is no such subscription.');
    const pricesOf = async (plan: string | null) =>
      plan === null ? [] : ((await this.subscriptions.listPrices(plan)) ?? []);
    return {
      idempotencyKey: `usher-${id}`,
      action,
      subscriptionId,
      object: subscription.object,
      fromPrices: await pricesOf(subscription.planId),
      toPrices: await pricesOf(planId),
    };
  }

  private async handleFailure(
    { id, action }: MembershipChangeRequest,
    error: unknown,
  ): Promise<ChangeProgress> {
    if (error instanceof ChangeRefused) {
      await this.store.settle(id, 'refused', error.message);
      return { status: 'refused', reason: error.message };
    }
    const isExpected = error instanceof ProcessorUnavailable || error instanceof QueueFull || isOutage(error);
    if (isExpected) this.log.warn(`change ${id} (${action}) is pending: ${String(error)}`);
    else this.log.error(error);
    // In an outage of PostgreSQL this fails too; then the change is retried when its lease ends.
    await this.store.postpone(id).catch(() => undefined);
    return { status: 'pending' };
  }
}
