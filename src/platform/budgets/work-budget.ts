import { type Budget, WITHOUT_REDIS } from './budget.js';
import type { BudgetStore } from './budget.store.js';

/** How much of one kind of work all nodes together do a second. */
export class WorkBudget {
  private readonly budget: Budget;

  constructor(
    private readonly store: BudgetStore,
    private readonly name: string,
    perSecond: number,
  ) {
    this.budget = { perSecond, burst: perSecond };
  }

  /** Returns how much of `wanted` may be done now. Without Redis a node does a fifth of it all. */
  async take(wanted: number): Promise<number> {
    const withoutRedis = () => ({
      granted: Math.min(wanted, Math.ceil(this.budget.burst * WITHOUT_REDIS.rateShare)),
    });
    return (await this.store.take(this.name, this.budget, wanted, 0).catch(withoutRedis)).granted;
  }

  /** Returns what was taken and not done. Does nothing while Redis is down. */
  async giveBack(unused: number): Promise<void> {
    if (unused > 0) await this.store.take(this.name, this.budget, -unused, 0).catch(() => undefined);
  }
}
