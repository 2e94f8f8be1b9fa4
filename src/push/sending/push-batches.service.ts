import { Injectable, Logger } from '@nestjs/common';
import { isOutage } from '../../platform/postgres/outage.js';
import { runIsolated } from '../../platform/scheduling/isolation.js';
import type { BatchResult, ClaimedBatch } from '../../platform/sending/lane.worker.js';
import type { DurableTier } from '../../platform/tiers.js';
import type { Push } from '../queue/push.js';
import { PushStore, type SettledPush } from '../queue/push.store.js';
import { BudgetsService } from './budgets.service.js';
import { PushReportService } from './push-report.service.js';
import { PushSenderService } from './push-sender.service.js';

/** Claims, sends and settles pushes in batches, as many as the provider's budget allows. */
@Injectable()
export class PushBatchesService {
  private readonly log = new Logger('push');

  constructor(
    private readonly store: PushStore,
    private readonly sender: PushSenderService,
    private readonly budgets: BudgetsService,
    private readonly report: PushReportService,
  ) {}

  /** Claims at most `limit` pushes. Throws when PostgreSQL is down. */
  async claim(provider: string, tier: DurableTier, limit: number): Promise<ClaimedBatch> {
    const { granted, waitMs } = await this.budgets.take(provider, tier, limit);
    const pushes = granted === 0 ? [] : await this.store.claim(provider, tier, granted);
    const unused = granted - pushes.length;
    await this.budgets.giveBack(provider, unused);
    return {
      size: pushes.length,
      hasMore: unused === 0,
      waitMs,
      send: (onSettled) => this.send(provider, tier, pushes, onSettled),
    };
  }

  private async send(
    provider: string,
    tier: DurableTier,
    pushes: readonly Push[],
    onSettled: (count: number) => void,
  ): Promise<BatchResult> {
    const { outgoing, settled } = await this.sender.prepare(pushes);
    await this.budgets.giveBack(provider, pushes.length - outgoing.length);
    const settle = async (group: readonly SettledPush[]): Promise<void> => {
      if (group.length === 0) return;
      await this.settle(tier, group);
      onSettled(group.length);
      this.report.countSettled(provider, group);
    };
    await settle(settled);
    let failed = 0;
    for await (const group of this.sender.send(tier, outgoing)) {
      await settle(group);
      failed += group.filter(([, { state }]) => state === 'queued').length;
    }
    return { sent: outgoing.length, failed };
  }

  /** A push that cannot be settled is due again; the others of its group must not be sent a second time for that. */
  private settle(tier: DurableTier, group: readonly SettledPush[]): Promise<void> {
    return runIsolated(group, {
      run: (part) => this.store.settle(tier, part),
      isolate: (error) => !isOutage(error),
      onFailure: (_part, error) => {
        if (isOutage(error)) throw error;
        this.log.error(error);
      },
    });
  }
}
