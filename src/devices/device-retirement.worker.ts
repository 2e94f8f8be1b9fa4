import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { RETIRED_AFTER_DAYS } from './device.js';
import { DeviceStore } from './device.store.js';

const EVERY_MS = 10 * 60_000;
const BATCH_SIZE = 500;
/** Bounds one run; what is left waits for the next one. */
const MAX_BATCHES = 50;

/** Removes devices that have not been seen for most of a year. Any number of workers may do it at the same time. */
@Injectable()
export class DeviceRetirementWorker extends PeriodicWorker {
  constructor(
    private readonly store: DeviceStore,
    @Inject(CONFIG) config: Config,
  ) {
    super({
      log: 'devices',
      everyMs: EVERY_MS,
      runs: config.ROLES.includes('worker'),
      firstRun: 'at-boot',
    });
  }

  protected async runOnce(): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const retired = await this.store.retireUnseen(RETIRED_AFTER_DAYS, BATCH_SIZE);
      if (retired.length < BATCH_SIZE) return;
    }
  }
}
