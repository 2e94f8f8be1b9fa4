import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { isOutage, isStatementTimeout } from '../../platform/postgres/outage.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import type { EngagementEvent } from '../engagement-event.js';
import { type EventDay, isStorable } from '../partitions/day-partition.js';
import { PartitionStore } from '../partitions/partition.store.js';
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
    private readonly partitions: PartitionStore,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'engagement', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
    // Receipts of campaigns are counted in any case, for their campaign.
    this.types = config.ENGAGEMENT_EVENT_TYPES.filter((type) => type !== CAMPAIGN_EVENT);
    this.scans = scansOf(DELIVERY_SOURCES.filter((source) => source !== 'receipts' || this.types.length > 0));
  }

  /** One run: slices of each scan, until it is as far as it may. One that fails does not stop the others. Throws what failed, when all have run. */
  async runOnce(): Promise<void> {
    const days = new Set(await this.partitions.list());
    const errors: unknown[] = [];
    for (const scan of this.scans) {
      try {
        await this.run(scan, days);
      } catch (error) {
        if (isOutage(error) && !isStatementTimeout(error)) throw error;
        errors.push(new Error(`the scan of ${scan.name} failed`, { cause: error }));
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'deliveries are not counted');
  }

  private async run(scan: DeliveryScan, days: ReadonlySet<EventDay>): Promise<void> {
    for (let slice = 0; slice < MAX_SLICES; slice += 1)
      if (!(await this.store.next(scan, SLICE, this.types, (events) => this.record(events, days)))) return;
  }

  /** What is reported of a message whose day is no longer kept is left out: the watermark must move on. */
  private async record(events: readonly EngagementEvent[], days: ReadonlySet<EventDay>): Promise<void> {
    const now = Date.now();
    const storable = events.filter(({ day }) => day === undefined || isStorable(day, days, now));
    if (storable.length > 0) await this.events.record([storable]);
  }
}
