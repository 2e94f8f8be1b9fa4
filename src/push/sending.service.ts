import { Inject, Injectable } from '@nestjs/common';
import type { Attention } from '../devices/attention.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import type { DurableTier } from '../platform/postgres/lanes.js';
import { within } from '../platform/within.js';
import { Budgets } from './budgets.service.js';
import { decide } from './decision.js';
import { messageOf } from './message.js';
import { type Outgoing, type Push, vendorOf } from './push.js';
import { PushStore, type Settled } from './push.store.js';
import { backoffMs, later, settlementOf } from './retry.js';
import type { Verdict } from './vendor.js';
import { Vendors } from './vendors.service.js';

/** While one answer is waited for, the others are written down: what is not would be sent twice should this worker die. */
const GROUP_MS = 100;

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

  /** Which of these are sent, and how; and what becomes of the others. */
  async prepare(pushes: readonly Push[]): Promise<{ outgoing: Outgoing[]; settled: Settled[] }> {
    const settled: Settled[] = [];
    const outgoing = await this.withinBudgets(await this.wanted(pushes, settled), settled);
    return { outgoing, settled };
  }

  /**
   * Sends all at once; gives what became of them in groups, as the vendor answers. Every push gets a settlement; throws only when
   * PostgreSQL is away, and then they are due again later.
   */
  async *send(tier: DurableTier, outgoing: readonly Outgoing[]): AsyncGenerator<Settled[]> {
    let answered: Answered[] = [];
    let waiting = outgoing.length;
    const all = Promise.all(
      outgoing.map(async ({ push, message }) => {
        const verdict = await this.vendors.send(vendorOf(message.to), message);
        answered.push({ push, message, verdict });
        waiting -= 1;
      }),
    );
    // While a group was written down, the last of the others may have come.
    while (waiting > 0 || answered.length > 0) {
      await within(GROUP_MS, all).catch(() => undefined);
      const group = answered;
      answered = [];
      if (group.length > 0) yield await this.settlements(tier, group);
    }
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
