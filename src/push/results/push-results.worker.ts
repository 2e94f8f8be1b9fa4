import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { PUSH_PROVIDERS, type PushProviderDefinition } from '../providers/push-provider.js';
import type { SettledPush } from '../queue/push.store.js';
import { type CountedResult, PushResultStore } from './push-result.store.js';
import type { PushResult, PushResults } from './results.schema.js';

const INTERVAL_MS = 5_000;
/** Outcomes of one interval: providers have some forty reasons. One that is not among them makes no memory grow. */
const MAX_OUTCOMES = 500;
const MAX_LISTED = 50;

type Sums = PushResults['vendors'][number]['hour'];
const SUM_OF_STATE: Readonly<Record<string, keyof Sums>> = {
  delivered: 'delivered',
  cleared: 'delivered',
  failed: 'failed',
  gone: 'failed',
  expired: 'failed',
  queued: 'retried',
  withdrawn: 'withheld',
};

/**
 * Counts what becomes of pushes on this node, and adds it to the counts of all nodes every few seconds. A node that dies takes the counts of
 * its last seconds along: they are for people to read, and nothing depends on them.
 */
@Injectable()
export class PushResultsWorker extends PeriodicWorker {
  private counts = new Map<string, CountedResult>();

  constructor(
    private readonly store: PushResultStore,
    @Inject(PUSH_PROVIDERS) private readonly providers: readonly PushProviderDefinition[],
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'push', everyMs: INTERVAL_MS, runs: config.ROLES.includes('worker') });
  }

  /** Counts what became of these pushes of a provider. */
  count(vendor: string, settled: readonly SettledPush[]): void {
    for (const [, { state, reason = '' }] of settled) this.add({ vendor, state, reason, count: 1 });
  }

  /** Returns what became of pushes in the last hour and the last day, by provider. */
  async read(): Promise<PushResults> {
    const rows = await this.store.read();
    return {
      vendors: this.providers.map(({ name, fixes = {} }) => {
        const own = rows.filter(({ vendor }) => vendor === name);
        const results = own.map(({ state, reason, hour, day }): PushResult => {
          return { state, reason: reason || null, hour, day, fix: fixes[reason] };
        });
        const [hour, day] = [sumsOf(results, 'hour'), sumsOf(results, 'day')];
        return { vendor: name, hour, day, results: results.slice(0, MAX_LISTED) };
      }),
    };
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    await this.runOnce().catch(() => undefined);
  }

  protected async runOnce(): Promise<void> {
    const counts = [...this.counts.values()];
    if (counts.length === 0) return;
    this.counts = new Map();
    try {
      await this.store.add(counts);
    } catch (error) {
      for (const one of counts) this.add(one);
      throw error;
    }
  }

  private add(one: CountedResult): void {
    const key = `${one.vendor} ${one.state} ${one.reason}`;
    const known = this.counts.get(key);
    if (!known && this.counts.size >= MAX_OUTCOMES) return;
    this.counts.set(key, { ...one, count: (known?.count ?? 0) + one.count });
  }
}

function sumsOf(results: readonly PushResult[], span: 'hour' | 'day'): Sums {
  const sums = { delivered: 0, failed: 0, retried: 0, withheld: 0 };
  for (const result of results) {
    const sum = SUM_OF_STATE[result.state];
    if (sum) sums[sum] += result[span];
  }
  return sums;
}
