import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { SlotStore } from './slot.store.js';

const EVERY_MS = 15_000;

/** Looks how far behind the slot is, on each node that may capture: the one that captures may be the one that stands still. */
@Injectable()
export class SlotMonitorWorker extends PeriodicWorker {
  private lagBytes = 0;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly slots: SlotStore,
    metrics: MetricsService,
  ) {
    super({
      log: 'warehouse',
      everyMs: EVERY_MS,
      runs: config.WAREHOUSE === 'on' && config.ROLES.includes('worker'),
    });
    metrics.gauge(
      'warehouse_lag_bytes',
      'How much of its log PostgreSQL keeps for the warehouse, since it is in no file yet; 0 without a slot. At `max_slot_wal_keep_size` it gives up the slot.',
      'max',
      () => this.lagBytes,
    );
  }

  protected async runOnce(): Promise<void> {
    this.lagBytes = await this.slots.lagBytes();
  }
}
