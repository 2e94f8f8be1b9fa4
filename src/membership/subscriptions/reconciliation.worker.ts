import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { ProcessorsService, type ProcessorWithApi } from '../processors/processors.service.js';
import { ReconciliationService } from './reconciliation.service.js';
import { ReconciliationStore } from './reconciliation.store.js';

const EVERY_MS = 250;
/** Bounds one run; the walk goes on in the next one. The processor's budget sets the pace, and leaves half of a burst to webhooks. */
const MAX_PAGES = 50;
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
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const run = await this.store.claim(names, LEASE_SECONDS);
      const processor = this.processors.find(({ name }) => name === run?.processor);
      if (!run || !processor) return;
      await this.reconcilePage(processor, run.cursor);
    }
  }

  private async reconcilePage(processor: ProcessorWithApi, cursor: string | null): Promise<void> {
    try {
      const page = await this.reconciliation.reconcilePage(processor, cursor);
      if (page.next !== undefined) await this.store.schedulePage(processor.name, page, 0);
      else await this.store.finish(processor.name, page.compared, this.config.RECONCILE_SECONDS);
    } catch (error) {
      const pause = Math.min(FAILURE_PAUSE_SECONDS, this.config.RECONCILE_SECONDS);
      await this.store
        .schedulePage(processor.name, { next: undefined, compared: 0 }, pause)
        .catch(() => undefined);
      throw error;
    }
  }
}
