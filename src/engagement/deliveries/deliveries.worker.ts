import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import type { EngagementEvent } from '../engagement-event.js';
import { EngagementEventStore } from '../recording/engagement-event.store.js';
import { CAMPAIGN_EVENT } from '../../campaigns/campaign.js';
import { type DeliveryScan, DELIVERY_SOURCES, scansOf } from './delivery-scan.js';
import { DeliveryScanStore } from './delivery-scan.store.js';

const EVERY_MS = 10_000;
/** Messages, pushes, receipts or members of one slice, and slices of one run of each scan. */
const SLICE = 2_000;
const MAX_SLICES = 50;

/**
 * Counts what was delivered, from the messages, pushes and receipts that there are, and the conversions of campaigns: what reports one writes nothing
 * more for it. Of pushes only those of campaigns; receipts of these, and of the types in ENGAGEMENT_EVENT_TYPES. Runs on every worker.
 */
@Injectable()
export class DeliveriesWorker extends PeriodicWorker {
  private readonly scans: readonly DeliveryScan[];
  private readonly types: readonly string[];

  constructor(
    private readonly store: DeliveryScanStore,
    private readonly events: EngagementEventStore,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'engagement', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
    // Receipts of campaigns are counted in any case, for their campaign.
    this.types = config.ENGAGEMENT_EVENT_TYPES.filter((type) => type !== CAMPAIGN_EVENT);
    this.scans = scansOf(DELIVERY_SOURCES.filter((source) => source !== 'receipts' || this.types.length > 0));
  }

  /** One run: slices of each scan, until it is as far as it may. */
  async runOnce(): Promise<void> {
    const record = async (events: readonly EngagementEvent[]): Promise<void> =>
      void (await this.events.record([events]));
    for (const scan of this.scans)
      for (let slice = 0; slice < MAX_SLICES; slice += 1)
        if (!(await this.store.next(scan, SLICE, this.types, record))) break;
  }
}
