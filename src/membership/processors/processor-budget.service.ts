import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { type Budget, WITHOUT_REDIS } from '../../platform/budgets/budget.js';
import { BudgetStore, type TokenGrant } from '../../platform/budgets/budget.store.js';
import { ProcessorBusy } from './processor.js';
import type { ProcessorWithApi } from './processors.service.js';

/** Longer than most bursts, and shorter than the lease of whoever waits. */
const MAX_WAIT_MS = 5_000;

/** What a request to a processor is for. */
export type RequestPurpose = 'change' | 'lookup' | 'reconciliation';

/**
 * The share of a processor's budget that reconciliation leaves to the rest: what a webhook or a user waits for is more urgent than a walk
 * that begins again anyway.
 */
export const RECONCILIATION_SHARE = 0.5;

/** How many requests a processor's API may be sent now, over all nodes. */
@Injectable()
export class ProcessorBudgetService {
  /** When this node may send its next request to each processor while Redis is down, in ms of the monotonic clock. */
  private readonly nextAt = new Map<string, number>();

  constructor(private readonly store: BudgetStore) {}

  /** Waits for one request of the processor's budget, five seconds at most. Throws ProcessorBusy. */
  async take(processor: ProcessorWithApi, purpose: RequestPurpose): Promise<void> {
    const until = performance.now() + MAX_WAIT_MS;
    for (;;) {
      const { granted, waitMs } = await this.grant(processor, purpose);
      if (granted > 0) return;
      // Whoever waits for the same token comes back at another time.
      const pauseMs = Math.max(5, waitMs) * (1 + Math.random());
      if (performance.now() + pauseMs > until)
        throw new ProcessorBusy(`the budget of ${processor.name} is used up`);
      await setTimeout(pauseMs);
    }
  }

  private grant({ name, api }: ProcessorWithApi, purpose: RequestPurpose): Promise<TokenGrant> {
    const reserve =
      purpose === 'reconciliation' ? Math.floor(api.budget.burst * (1 - RECONCILIATION_SHARE)) : 0;
    return this.store
      .take(`processor:${name}`, api.budget, 1, reserve)
      .catch(() => this.grantWithoutRedis(name, api.budget));
  }

  private grantWithoutRedis(name: string, { perSecond }: Budget): TokenGrant {
    const now = performance.now();
    const waitMs = Math.max(0, (this.nextAt.get(name) ?? 0) - now);
    if (waitMs > 0) return { granted: 0, waitMs };
    this.nextAt.set(name, now + 1_000 / (perSecond * WITHOUT_REDIS.rateShare));
    return { granted: 1, waitMs };
  }
}
