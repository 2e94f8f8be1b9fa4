import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Database } from '../platform/postgres/database.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { AudienceStore } from './audience.store.js';

const EVERY_MS = 2_000;
const SLICE = 1_000;
const MAX_SLICES = 20;

/** Removes audiences that have ended, with their members. What is left is read from the tables each time. */
@Injectable()
export class AudienceRemovalWorker extends PeriodicWorker {
  constructor(
    private readonly store: AudienceStore,
    private readonly database: Database,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'audiences', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    if (!(await this.store.hasEnded())) return;
    for (let slice = 0; slice < MAX_SLICES; slice += 1)
      if (!(await this.database.transaction('routine', (tx) => this.store.removeEnded(tx, SLICE)))) return;
  }
}
