import { Injectable, Logger } from '@nestjs/common';
import { QueueFull } from '../../platform/scheduling/batcher.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { type MembershipChangeRequest, ChangeStore } from './change.store.js';
import { LookupService } from '../subscriptions/lookup.service.js';
import { type ChangeOrder, ChangeRefused, ProcessorUnavailable } from '../processors/processor.js';
import { ProcessorRegistryService } from '../processors/processor-registry.service.js';
import { SubscriptionStore } from '../subscriptions/subscription.store.js';

/** Stripe keeps an idempotency key for at least 24 hours; a try after that could be a second effect. */
const GIVE_UP_AFTER_MS = 23 * 3_600_000;
const ALONE_SECONDS = 60;

/** What became of a change so far. */
export type ChangeProgress =
  | { readonly status: 'done' }
  | { readonly status: 'pending' }
  | { readonly status: 'refused'; readonly reason: string };

/**
 * Carries a change out at the processor and applies the result. However often it is tried, by whatever node, the
 * processor is told the same idempotency key, so it happens once.
 */
@Injectable()
export class ChangeExecutionService {
  private readonly log = new Logger('membership');

  constructor(
    private readonly store: ChangeStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly processors: ProcessorRegistryService,
    private readonly lookups: LookupService,
  ) {}

  /** Whether users can change something at this processor through us. */
  canChange(processor: string): boolean {
    return this.processors.get(processor).api?.change !== undefined;
  }

  /** What could not be done is pending, and is tried again. Throws only when PostgreSQL is away, and then it is pending too. */
  async execute(change: MembershipChangeRequest): Promise<ChangeProgress> {
    try {
      await this.attempt(change);
      return { status: 'done' };
    } catch (error) {
      return this.failed(change, error);
    }
  }

  /** Tries again what nobody works on. Answers how many. */
  async resumeSome(limit: number): Promise<number> {
    const changes = await this.store.claim(limit, ALONE_SECONDS);
    await Promise.all(changes.map((change) => this.execute(change)));
    return changes.length;
  }

  /** It is settled only when its result was applied too. */
  private async attempt(change: MembershipChangeRequest): Promise<void> {
    const { id, processor: name, subscriptionId, action } = change;
    const { api } = this.processors.get(name);
    if (!api?.change) throw new ProcessorUnavailable(`${name} cannot be asked here`);
    await api.change(await this.orderOf(change));
    const source = { processor: name, webhookId: null, reason: `user.${action}` };
    await this.lookups.refresh(api, subscriptionId, source);
    await this.store.settle(id, 'done');
  }

  private async orderOf({
    id,
    processor,
    subscriptionId,
    action,
    planId,
  }: MembershipChangeRequest): Promise<ChangeOrder> {
    const subscription = await this.subscriptions.read(processor, subscriptionId);
    if (!subscription) throw new ChangeRefused('There is no such subscription.');
    const prices = async (plan: string | null) =>
      plan === null ? [] : ((await this.subscriptions.pricesOf(plan)) ?? []);
    return {
      idempotencyKey: `usher-${id}`,
      action,
      subscriptionId,
      object: subscription.object,
      fromPrices: await prices(subscription.planId),
      toPrices: await prices(planId),
    };
  }

  private async failed(
    { id, createdAt, action }: MembershipChangeRequest,
    error: unknown,
  ): Promise<ChangeProgress> {
    if (error instanceof ChangeRefused) {
      await this.store.settle(id, 'refused', error.message);
      return { status: 'refused', reason: error.message };
    }
    const isExpected = error instanceof ProcessorUnavailable || error instanceof QueueFull || isOutage(error);
    if (isExpected) this.log.warn(`change ${id} (${action}) is pending: ${String(error)}`);
    else this.log.error(error);
    if (Date.now() - createdAt.getTime() > GIVE_UP_AFTER_MS)
      await this.store.settle(id, 'refused', 'gave_up');
    // With PostgreSQL away this fails too; then its time alone runs out instead.
    else await this.store.later(id).catch(() => undefined);
    return { status: 'pending' };
  }
}
