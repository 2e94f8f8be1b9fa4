import { Inject, Injectable } from '@nestjs/common';
import { PLAYBACK_ACTIVITY, type PlaybackActivity } from '../../devices/playback-activity.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { DurableTier } from '../../platform/tiers.js';
import { withTimeout } from '../../platform/scheduling/timeout.js';
import { BudgetsService } from './budgets.service.js';
import { decide } from './decision.js';
import { renderPush } from '../content/render-push.js';
import { type PreparedPush, type Push, PROVIDER_OF_KIND } from '../queue/push.js';
import { DevicesService } from '../../devices/devices.service.js';
import type { SettledPush } from '../queue/push.store.js';
import { backoffMs, retryLater, toSettlement } from './retry.js';
import type { SendResult } from '../providers/push-provider.js';
import { ProviderRegistryService } from '../providers/provider-registry.service.js';

/** While one answer is waited for, the others are written down: what is not would be sent twice should this worker die. */
const GROUP_MS = 100;

type Answered = PreparedPush & { readonly verdict: SendResult };

/** From pushes whose turn has come to what became of each. */
@Injectable()
export class PushSenderService {
  constructor(
    private readonly vendors: ProviderRegistryService,
    private readonly budgets: BudgetsService,
    private readonly devices: DevicesService,
    @Inject(PLAYBACK_ACTIVITY) private readonly playbackActivity: PlaybackActivity,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Which of these are sent, and how; and what becomes of the others. */
  async prepare(pushes: readonly Push[]): Promise<{ outgoing: PreparedPush[]; settled: SettledPush[] }> {
    const settled: SettledPush[] = [];
    const outgoing = await this.withinBudgets(await this.wanted(pushes, settled), settled);
    return { outgoing, settled };
  }

  /**
   * Sends all at once; gives what became of them in groups, as the vendor answers. Every push gets a settlement; throws only when
   * PostgreSQL is away, and then they are due again later.
   */
  async *send(tier: DurableTier, outgoing: readonly PreparedPush[]): AsyncGenerator<SettledPush[]> {
    let answered: Answered[] = [];
    let waiting = outgoing.length;
    const all = Promise.all(
      outgoing.map(async ({ push, message }) => {
        const verdict = await this.vendors.send(PROVIDER_OF_KIND[message.to.kind], message);
        answered.push({ push, message, verdict });
        waiting -= 1;
      }),
    );
    // While a group was written down, the last of the others may have come.
    while (waiting > 0 || answered.length > 0) {
      await withTimeout(GROUP_MS, all).catch(() => undefined);
      const group = answered;
      answered = [];
      if (group.length > 0) yield await this.settlements(tier, group);
    }
  }

  private async wanted(pushes: readonly Push[], settled: SettledPush[]): Promise<PreparedPush[]> {
    const playing = await this.playing(pushes);
    const heartbeatMs = this.config.HEARTBEAT_SECONDS * 1_000;
    const outgoing: PreparedPush[] = [];
    for (const push of pushes) {
      const decision = decide(push, {
        now: new Date(),
        playing: playing.has(push.deviceId),
        heartbeatMs: heartbeatMs,
      });
      if (decision !== 'send') settled.push([push, decision]);
      else if (push.push) outgoing.push({ push, message: renderPush(push, push.push) });
    }
    return outgoing;
  }

  /** Only what may wait needs to ask. */
  private async playing(pushes: readonly Push[]): Promise<ReadonlySet<string>> {
    const patient = pushes.filter(({ tier, action }) => tier !== 'critical' && action === 'show');
    return patient.length === 0 ? new Set() : this.playbackActivity.playing(patient);
  }

  /** What a device may not get yet waits; what need not be told later (a clearing) is left out. */
  private async withinBudgets(
    outgoing: readonly PreparedPush[],
    settled: SettledPush[],
  ): Promise<PreparedPush[]> {
    const grants = await this.budgets.ofDevices(outgoing);
    return outgoing.filter(({ push }, n) => {
      const grant = grants[n];
      if (!grant || grant.granted > 0) return true;
      const reason = 'device_budget';
      settled.push([
        push,
        push.action === 'clear'
          ? { state: 'withdrawn', reason, tried: 0 }
          : { state: 'queued', reason, dueInMs: grant.waitMs, tried: 0 },
      ]);
      return false;
    });
  }

  private async settlements(tier: DurableTier, answered: readonly Answered[]): Promise<SettledPush[]> {
    const now = new Date();
    const dead = answered.flatMap(({ push: { deviceId }, message: { to }, verdict }) =>
      verdict.is === 'gone' ? [{ deviceId, address: to.address, since: verdict.since }] : [],
    );
    const forgotten = dead.length === 0 ? new Set() : await this.devices.forgetAddresses(tier, dead);
    return answered.map(({ push, verdict }): SettledPush => {
      if (verdict.is !== 'gone') return [push, toSettlement(push, verdict, now)];
      if (forgotten.has(push.deviceId)) return [push, { state: 'gone', reason: verdict.reason, tried: 1 }];
      // The app has registered since: the address that it has now may live.
      return [push, retryLater(push, backoffMs(push.attempts), now, 'registered_since')];
    });
  }
}
