import { Injectable } from '@nestjs/common';
import type { DurableTier } from '../platform/postgres/lanes.js';
import { Budgets } from './budgets.service.js';
import type { VendorName } from './push.js';
import { PushStore } from './push.store.js';
import { PushReport } from './report.service.js';
import { Sending } from './sending.service.js';

/** Under way at once for one vendor and tier: what one or two HTTP/2 connections carry. */
const AT_ONCE = 200;

/** What one round did: how many a vendor was asked to take, and how many of them must be asked again. */
export interface Round {
  readonly asked: number;
  readonly failed: number;
  /** Whether more may be waiting. */
  readonly more: boolean;
}

const NOTHING: Round = { asked: 0, failed: 0, more: false };

/** One round: as many as the vendor's budget allows are claimed, sent and settled. */
@Injectable()
export class Rounds {
  constructor(
    private readonly store: PushStore,
    private readonly sending: Sending,
    private readonly budgets: Budgets,
    private readonly report: PushReport,
  ) {}

  async run(vendor: VendorName, tier: DurableTier): Promise<Round> {
    const granted = await this.budgets.take(vendor, tier, AT_ONCE);
    if (granted === 0) return NOTHING;
    const pushes = await this.store.claim(vendor, tier, granted);
    const settled = pushes.length === 0 ? [] : await this.sending.send(tier, pushes);
    const asked = settled.filter(([, { tried }]) => tried === 1);
    await this.budgets.giveBack(vendor, granted - asked.length);
    if (settled.length === 0) return NOTHING;
    await this.store.settle(tier, settled);
    this.report.count(vendor, settled);
    const failed = asked.filter(([, { state }]) => state === 'queued').length;
    return { asked: asked.length, failed, more: pushes.length === granted };
  }
}
