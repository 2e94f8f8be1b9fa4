import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { ProcessorRegistryService } from '../processors/processor-registry.service.js';
import { ReconciliationService } from './reconciliation.service.js';
import { ReconciliationStore, type ReconciliationRun } from './reconciliation.store.js';

const EVERY_MS = 250;
/** Between two steps: a hundred subscriptions a second at most, far below what any processor allows. */
const PACE_SECONDS = 1;
const AFTER_FAILURE_SECONDS = 10;
/** A node that died with a step in its hands holds the walk up for as long. */
const ALONE_SECONDS = 60;

/** Walks over all subscriptions of each processor that can be asked, again and again. Any node does the next step. */
@Injectable()
export class ReconciliationWorker extends PeriodicWorker {
  constructor(
    private readonly processors: ProcessorRegistryService,
    private readonly store: ReconciliationStore,
    private readonly reconciliation: ReconciliationService,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    super({
      log: 'reconciliation',
      everyMs: EVERY_MS,
      runs: config.ROLES.includes('worker') && processors.all().some(({ api }) => api),
    });
  }

  private asked() {
    return this.processors.all().flatMap(({ name, api }) => (api ? [{ name, api }] : []));
  }

  protected async runOnce(): Promise<void> {
    const asked = this.asked();
    const walk = await this.store.claim(
      asked.map(({ name }) => name),
      ALONE_SECONDS,
    );
    const processor = asked.find(({ name }) => name === walk?.processor);
    if (walk && processor) await this.step(processor, walk);
  }

  private async step(
    processor: Parameters<ReconciliationService['step']>[0],
    { cursor }: ReconciliationRun,
  ): Promise<void> {
    try {
      const next = await this.reconciliation.step(processor, cursor);
      if (next === undefined) await this.store.finish(processor.name, this.config.RECONCILE_SECONDS);
      else await this.store.goOn(processor.name, next, PACE_SECONDS);
    } catch (error) {
      const pause = Math.min(AFTER_FAILURE_SECONDS, this.config.RECONCILE_SECONDS);
      await this.store.goOn(processor.name, undefined, pause).catch(() => undefined);
      throw error;
    }
  }
}
