import { Injectable } from '@nestjs/common';
import type { DurableTier } from '../../platform/tiers.js';
import { BudgetsService } from './budgets.service.js';
import type { Push, ProviderName } from '../queue/push.js';
import { PushStore, type SettledPush } from '../queue/push.store.js';
import { PushReportService } from './push-report.service.js';
import { PushSenderService } from './push-sender.service.js';

/** A round that has begun. */
export interface PushBatch {
  /** How many were claimed. */
  readonly size: number;
  /** Whether more may be waiting. */
  readonly more: boolean;
  /** The budget has nothing more before this time has passed. */
  readonly waitMs: number;
  /** Sends what was claimed; hears how many were settled. Throws when PostgreSQL is away: then they are due again later. */
  finish(onSettled: (count: number) => void): Promise<PushBatchResult>;
}

/** What one round did: how many a vendor was asked to take, and how many of them must be asked again. */
export interface PushBatchResult {
  readonly asked: number;
  readonly failed: number;
}

/** One round: as many as the vendor's budget allows are claimed, sent and settled. */
@Injectable()
export class PushBatchesService {
  constructor(
    private readonly store: PushStore,
    private readonly sending: PushSenderService,
    private readonly budgets: BudgetsService,
    private readonly report: PushReportService,
  ) {}

  /** Claims at most so many. Throws when PostgreSQL is away. */
  async begin(vendor: ProviderName, tier: DurableTier, atMost: number): Promise<PushBatch> {
    const { granted, waitMs } = await this.budgets.take(vendor, tier, atMost);
    const pushes = granted === 0 ? [] : await this.store.claim(vendor, tier, granted);
    const unused = granted - pushes.length;
    await this.budgets.giveBack(vendor, unused);
    return {
      size: pushes.length,
      more: unused === 0,
      waitMs,
      finish: (onSettled) => this.finish(vendor, tier, pushes, onSettled),
    };
  }

  private async finish(
    vendor: ProviderName,
    tier: DurableTier,
    pushes: readonly Push[],
    onSettled: (count: number) => void,
  ): Promise<PushBatchResult> {
    const { outgoing, settled } = await this.sending.prepare(pushes);
    await this.budgets.giveBack(vendor, pushes.length - outgoing.length);
    const settle = async (group: readonly SettledPush[]): Promise<void> => {
      if (group.length === 0) return;
      await this.store.settle(tier, group);
      onSettled(group.length);
      this.report.count(vendor, group);
    };
    await settle(settled);
    let failed = 0;
    for await (const group of this.sending.send(tier, outgoing)) {
      await settle(group);
      failed += group.filter(([, { state }]) => state === 'queued').length;
    }
    return { asked: outgoing.length, failed };
  }
}
