import { Inject, Injectable } from '@nestjs/common';
import { deviceKey } from '../../devices/device.js';
import { type Budget, budgetOf, reserveFor, WITHOUT_REDIS } from '../../platform/budgets/budget.js';
import { BudgetStore, ONE_GRANTED, type TokenGrant } from '../../platform/budgets/budget.store.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { DurableTier } from '../../platform/tiers.js';
import { PUSH_PROVIDERS, type PushProviderDefinition } from '../providers/push-provider.js';
import type { PreparedPush } from '../queue/push.js';
import { BACKGROUND_PER_DEVICE, PER_DEVICE } from './budget.js';

/** How many messages providers and devices may be sent now. */
@Injectable()
export class BudgetsService {
  private readonly budgets: ReadonlyMap<string, Budget>;
  /** Kinds of addresses whose provider throttles background pushes. */
  private readonly throttledKinds: ReadonlySet<string>;

  constructor(
    private readonly store: BudgetStore,
    @Inject(PUSH_PROVIDERS) providers: readonly PushProviderDefinition[],
    @Inject(CONFIG) config: Config,
  ) {
    this.budgets = new Map(
      providers.map((provider) => [provider.name, budgetOf(provider.perMinute(config))]),
    );
    this.throttledKinds = new Set(
      providers.flatMap(({ throttlesBackground, addressKinds }) => (throttlesBackground ? addressKinds : [])),
    );
  }

  /** The budget of each provider, by its name. */
  get all(): ReadonlyMap<string, Budget> {
    return this.budgets;
  }

  /** Takes up to `wanted` messages of the provider's budget. */
  async take(provider: string, tier: DurableTier, wanted: number): Promise<TokenGrant> {
    const budget = this.budgetOf(provider);
    const takeWithoutRedis = (): TokenGrant => {
      const granted = Math.min(wanted, Math.ceil(budget.burst * WITHOUT_REDIS.burstShare));
      return { granted, waitMs: (1_000 * granted) / (budget.perSecond * WITHOUT_REDIS.rateShare) };
    };
    return this.store.take(provider, budget, wanted, reserveFor(tier, budget)).catch(takeWithoutRedis);
  }

  /** Returns messages that were taken and not sent. Does nothing while Redis is down. */
  async giveBack(provider: string, unused: number): Promise<void> {
    if (unused <= 0) return;
    await this.store.take(provider, this.budgetOf(provider), -unused, 0).catch(() => undefined);
  }

  /** Takes one message of each device's budget. Returns the grants in order. */
  async takeForDevices(outgoing: readonly PreparedPush[]): Promise<TokenGrant[]> {
    const [all, background] = await Promise.all([
      this.takeEach(outgoing, 'any', PER_DEVICE),
      this.takeEach(outgoing.filter(this.isThrottled), 'background', BACKGROUND_PER_DEVICE),
    ]);
    return outgoing.map((one) => {
      const grants = [
        all.shift() ?? ONE_GRANTED,
        (this.isThrottled(one) && background.shift()) || ONE_GRANTED,
      ];
      return grants.find(({ granted }) => granted === 0) ?? ONE_GRANTED;
    });
  }

  private async takeEach(
    outgoing: readonly PreparedPush[],
    kind: string,
    budget: Budget,
  ): Promise<TokenGrant[]> {
    const names = outgoing.map(({ push }) => `${kind}:${deviceKey(push)}`);
    return names.length === 0 ? [] : this.store.takeEach(names, budget).catch(() => []);
  }

  private readonly isThrottled = ({ message }: PreparedPush): boolean =>
    message.show === 'background' && this.throttledKinds.has(message.to.kind);

  /** Throws for a provider that is not in the registry. */
  private budgetOf(provider: string): Budget {
    const budget = this.budgets.get(provider);
    if (!budget) throw new Error(`there is no push provider ${provider}`);
    return budget;
  }
}
