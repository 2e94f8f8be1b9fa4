import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { EdgeNoticeStore } from './edges/edge-notice.store.js';
import { StreamStore } from './stream.store.js';

const EVERY_MS = 60_000;
/** Rows a run. More than ever end in the minute between two runs. */
const MAX_ROWS = 100_000;

/** Deletes streams that ended a day ago and notices that no edge node acknowledged. Any number of workers may run it at once. */
@Injectable()
export class StreamCleanupWorker extends PeriodicWorker {
  constructor(
    private readonly streams: StreamStore,
    private readonly notices: EdgeNoticeStore,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'streams', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    await this.streams.deleteEnded(MAX_ROWS);
    await this.notices.expire();
  }
}
