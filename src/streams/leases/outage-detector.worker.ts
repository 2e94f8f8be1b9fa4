import { Injectable } from '@nestjs/common';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import { withTimeout } from '../../platform/scheduling/timeout.js';
import { GraceService } from './grace.service.js';

const EVERY_MS = 1_000;
const DEADLINE_MS = 2_000;
const PING = named('outage', 'SELECT 1 AS ok');

/** Looks each second whether PostgreSQL answers: grace counts from the outage's start, not from the first stream that asks. */
@Injectable()
export class OutageDetectorWorker extends PeriodicWorker {
  constructor(
    private readonly database: Database,
    private readonly grace: GraceService,
  ) {
    super({ log: 'streams', everyMs: EVERY_MS });
  }

  protected async runOnce(): Promise<void> {
    const began = Date.now();
    await withTimeout(DEADLINE_MS, this.database.run('critical', PING, [])).then(
      () => this.grace.outageEnded(),
      () => this.grace.outageBegan(began),
    );
  }
}
