import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { DurableTier } from '../../platform/tiers.js';
import { BACKGROUND_PER_DEVICE, type Budget, budgetOf, PER_DEVICE, reserveFor } from './budget.js';
import { BudgetStore, ONE_GRANTED, type TokenGrant } from './budget.store.js';
import type { PreparedPush, ProviderName } from '../queue/push.js';

/** Without Redis nobody knows what the other workers take: each takes a fifth of the pace, this part of it at once. */
const ALONE = { pace: 0.2, share: 0.01 };

/** What each vendor may be sent is a setting. */
const PER_MINUTE = {
  apns: 'APNS_PER_MINUTE',
  fcm: 'FCM_PER_MINUTE',
  webpush: 'WEBPUSH_PER_MINUTE',
} as const satisfies Record<ProviderName, keyof Config>;

/** What may be sent to vendors and devices now. */
@Injectable()
export class BudgetsService {
  constructor(
    private readonly store: BudgetStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  of(vendor: ProviderName): Budget {
    return budgetOf(this.config[PER_MINUTE[vendor]]);
  }

  /** How many of `wanted` may be sent to the vendor now, and when one more. */
  async take(vendor: ProviderName, tier: DurableTier, wanted: number): Promise<TokenGrant> {
    const budget = this.of(vendor);
    const alone = (): TokenGrant => {
      const granted = Math.min(wanted, Math.ceil(budget.burst * ALONE.share));
      return { granted, waitMs: (1_000 * granted) / (budget.perSecond * ALONE.pace) };
    };
    return this.store.take(vendor, budget, wanted, reserveFor(tier, budget)).catch(alone);
  }

  async giveBack(vendor: ProviderName, unused: number): Promise<void> {
    if (unused > 0) await this.store.take(vendor, this.of(vendor), -unused, 0).catch(() => undefined);
  }

  /** Whether each device may be sent one more now, in order. */
  async ofDevices(outgoing: readonly PreparedPush[]): Promise<TokenGrant[]> {
    const [all, background] = await Promise.all([
      this.each(outgoing, 'any', PER_DEVICE),
      this.each(outgoing.filter(isBackground), 'background', BACKGROUND_PER_DEVICE),
    ]);
    return outgoing.map((one) => {
      const grants = [all.shift() ?? ONE_GRANTED, (isBackground(one) && background.shift()) || ONE_GRANTED];
      return grants.find(({ granted }) => granted === 0) ?? ONE_GRANTED;
    });
  }

  private async each(outgoing: readonly PreparedPush[], kind: string, budget: Budget): Promise<TokenGrant[]> {
    const names = outgoing.map(({ push: { deviceId } }) => `${kind}:${deviceId}`);
    return names.length === 0 ? [] : this.store.takeEach(names, budget).catch(() => []);
  }
}

/** What Apple wakes an app for, and rations. */
const isBackground = ({ message }: PreparedPush): boolean =>
  message.to.kind === 'apns' && message.show === 'background';
