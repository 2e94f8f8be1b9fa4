import { Inject, Injectable } from '@nestjs/common';
import type { Attention } from '../devices/attention.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import type { DurableTier } from '../platform/postgres/lanes.js';
import { Budgets } from './budgets.service.js';
import { decide } from './decision.js';
import { messageOf } from './message.js';
import { type Outgoing, type Push, vendorOf } from './push.js';
import { PushStore, type Settled } from './push.store.js';
import { backoffMs, later, settlementOf } from './retry.js';
import type { Verdict } from './vendor.js';
import { Vendors } from './vendors.service.js';

type Answered = Outgoing & { readonly verdict: Verdict };

/** From pushes whose turn has come to what became of each. */
@Injectable()
export class Sending {
  private attention: Attention | undefined;

  constructor(
    private readonly vendors: Vendors,
    private readonly budgets: Budgets,
    private readonly store: PushStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Who knows which devices play; bound once, at boot (app.module.ts). */
  heed(attention: Attention): void {
    this.attention = attention;
  }

  /** All of one tier. Every push gets a settlement; throws only when PostgreSQL is away, and then they are due again later. */
  async send(tier: DurableTier, pushes: readonly Push[]): Promise<Settled[]> {
    const settled: Settled[] = [];
    const outgoing = await this.withinBudgets(await this.wanted(pushes, settled), settled);
    const answered = await Promise.all(
      outgoing.map(async ({ push, message }): Promise<Answered> => {
        const verdict = await this.vendors.send(vendorOf(message.to), message);
        return { push, message, verdict };
      }),
    );
    settled.push(...(await this.settlements(tier, answered)));
    return settled;
  }

  private async wanted(pushes: readonly Push[], settled: Settled[]): Promise<Outgoing[]> {
    const playing = await this.playing(pushes);
    const beatMs = this.config.HEARTBEAT_SECONDS * 1_000;
    const outgoing: Outgoing[] = [];
    for (const push of pushes) {
      const decision = decide(push, { now: new Date(), playing: playing.has(push.deviceId), beatMs });
      if (decision !== 'send') settled.push([push, decision]);
      else if (push.push) outgoing.push({ push, message: messageOf(push, push.push) });
    }
    return outgoing;
  }

  /** Only what may wait needs to ask. */
  private async playing(pushes: readonly Push[]): Promise<ReadonlySet<string>> {
    const patient = pushes.filter(({ tier, action }) => tier !== 'critical' && action === 'show');
    return patient.length === 0 ? new Set() : ((await this.attention?.playing(patient)) ?? new Set());
  }

  /** What a device may not get yet waits; what need not be told later (a clearing) is left out. */
  private async withinBudgets(outgoing: readonly Outgoing[], settled: Settled[]): Promise<Outgoing[]> {
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

  private async settlements(tier: DurableTier, answered: readonly Answered[]): Promise<Settled[]> {
    const now = new Date();
    const dead = answered.flatMap(({ push: { deviceId }, message: { to }, verdict }) =>
      verdict.is === 'gone' ? [{ deviceId, address: to.address, since: verdict.since }] : [],
    );
    const forgotten = dead.length === 0 ? new Set() : await this.store.forgetAddresses(tier, dead);
    return answered.map(({ push, verdict }): Settled => {
      if (verdict.is !== 'gone') return [push, settlementOf(push, verdict, now)];
      if (forgotten.has(push.deviceId)) return [push, { state: 'gone', reason: verdict.reason, tried: 1 }];
      // The app has registered since: the address that it has now may live.
      return [push, later(push, backoffMs(push.attempts), now, 'registered_since')];
    });
  }
}
