import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { partitionChanges } from './day-partition.js';
import { PartitionStore } from './partition.store.js';

const EVERY_MS = 60_000;

/** Makes the partitions of the days to come, and drops those whose events are older than ENGAGEMENT_RETENTION_DAYS. Runs on every worker. */
@Injectable()
export class PartitionsWorker extends PeriodicWorker {
  private missing = 0;
  private readonly keepDays: number;

  constructor(
    private readonly store: PartitionStore,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    super({
      log: 'engagement',
      everyMs: EVERY_MS,
      runs: config.ROLES.includes('worker'),
      firstRun: 'at-boot',
    });
    this.keepDays = config.ENGAGEMENT_RETENTION_DAYS;
    metrics.gauge(
      'engagement_partitions_missing',
      'Workers only. Days of engagement events that should have a partition and have none. More than 0 for a day: events are refused soon; the log says why.',
      'max',
      () => this.missing,
    );
  }

  /** One run. A partition that cannot be made or dropped now is tried again in the next one. */
  async runOnce(): Promise<void> {
    const { missing, old } = partitionChanges(await this.store.list(), this.keepDays, Date.now());
    this.missing = missing.length;
    for (const day of missing) if (await this.store.add(day)) this.missing -= 1;
    for (const day of old) await this.store.drop(day);
  }
}
