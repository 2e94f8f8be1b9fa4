import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { ProcessorsService, type ProcessorWithApi } from '../processors/processors.service.js';
import { ReconciliationService } from './reconciliation.service.js';
import { ReconciliationStore } from './reconciliation.store.js';

const EVERY_MS = 250;
/** Between two pages: at most a hundred subscriptions a second (Stripe's page), far below any processor's rate limit. */
const PAGE_PAUSE_SECONDS = 1;
const FAILURE_PAUSE_SECONDS = 10;
/** A page that takes longer is given up: the node died. Longer than a page with all its timeouts. */
const LEASE_SECONDS = 60;

/** Reconciles all subscriptions of each processor that has an API, run after run. Any worker node does the next page. */
@Injectable()
export class ReconciliationWorker extends PeriodicWorker {
  private readonly processors: readonly ProcessorWithApi[];

  constructor(
    processors: ProcessorsService,
    private readonly store: ReconciliationStore,
    private readonly reconciliation: ReconciliationService,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    const withApi = processors.listWithApi();
    super({
      log: 'reconciliation',
      everyMs: EVERY_MS,
      runs: config.ROLES.includes('worker') && withApi.length > 0,
    });
    this.processors = withApi;
  }

  protected async runOnce(): Promise<void> {
    const names = this.processors.map(({ name }) => name);
    const run = await this.store.claim(names, LEASE_SECONDS);
    const processor = this.processors.find(({ name }) => name === run?.processor);
    if (run && processor) await this.reconcilePage(processor, run.cursor);
  }

  private async reconcilePage(processor: ProcessorWithApi, cursor: string | null): Promise<void> {
    try {
      const next = await this.reconciliation.reconcilePage(processor, cursor);
      if (next === undefined) await this.store.finish(processor.name, this.config.RECONCILE_SECONDS);
      else await this.store.schedulePage(processor.name, next, PAGE_PAUSE_SECONDS);
    } catch (error) {
      const pause = Math.min(FAILURE_PAUSE_SECONDS, this.config.RECONCILE_SECONDS);
      await this.store.schedulePage(processor.name, undefined, pause).catch(() => undefined);
      throw error;
    }
  }
}
