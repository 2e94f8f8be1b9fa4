import { Injectable } from '@nestjs/common';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { withTimeout } from '../../platform/scheduling/timeout.js';
import { GraceService } from './grace.service.js';

const EVERY_MS = 1_000;
const TIMEOUT_MS = 2_000;
const PING = named('outage', 'SELECT 1 AS ok');

/**
 * Pings PostgreSQL each second, so that the grace counts from the start of the outage and not from the first renewal
 * after it, and a lane that is merely full is not taken for an outage.
 */
@Injectable()
export class OutageDetectorWorker extends PeriodicWorker {
  constructor(
    private readonly database: Database,
    private readonly grace: GraceService,
  ) {
    super({ log: 'streams', everyMs: EVERY_MS });
  }

  protected async runOnce(): Promise<void> {
    const sentAt = monotonicNow();
    await withTimeout(TIMEOUT_MS, this.database.run('critical', PING, [])).then(
      () => this.grace.recordRecovery(),
      () => this.grace.recordOutage(sentAt),
    );
  }
}
