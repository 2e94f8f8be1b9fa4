import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../config/config.js';
import { MetricsService } from '../metrics/metrics.service.js';
import { BatchSize } from '../scheduling/batch-size.js';
import { PeriodicWorker } from '../scheduling/periodic.worker.js';
import { RETENTION_RULES, type RetentionRule } from './retention-rule.js';
import { RetentionStore, START } from './retention.store.js';

const EVERY_MS = 10_000;
/** Bounds a run; what is left waits for the next one. */
const MAX_ROUNDS = 1_000;
/**
 * Short batches, so that one of a hundred at most takes longer than 50 ms: a busy machine takes several times as long for the next one as for the
 * last. The node's own time, waits included: by PostgreSQL's alone 7 of 100 took longer (docs/operate/capacity.md).
 */
const BATCH = { min: 25, max: 5_000, slowMs: 12 };
/** Added to the pause after a batch while others wait for a connection: heartbeats are saved in the same lane. */
const BUSY_PAUSE_MS = 500;
/** Rows that another transaction had locked are behind the cursor. They are found when it starts again. */
const CURSOR_LIFETIME_MS = 3_600_000;

/** How a rule is being carried out. */
interface Progress {
  readonly rule: RetentionRule;
  readonly size: BatchSize;
  cursor: string;
  cursorSince: number;
  isBehind: boolean;
  hasFailed: boolean;
}

/**
 * Removes what is old from all tables, on every worker node: rows that one node has locked the others skip. A node does it on one
 * connection, rule after rule and a batch of each, so that a table with a backlog holds up no other. It rests after a batch for as long as
 * the batch took: a slow PostgreSQL gets smaller batches and longer pauses.
 */
@Injectable()
export class RetentionWorker extends PeriodicWorker {
  private readonly removed: Counter<'rule'>;
  private readonly all: readonly Progress[];
  private readonly stopping = new AbortController();

  constructor(
    private readonly store: RetentionStore,
    @Inject(RETENTION_RULES) rules: readonly RetentionRule[],
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    super({ log: 'retention', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
    this.all = rules.map((rule) => ({
      rule,
      size: new BatchSize(BATCH),
      cursor: START,
      cursorSince: performance.now(),
      isBehind: false,
      hasFailed: false,
    }));
    this.removed = metrics.counter(
      'retention_removed_total',
      'Workers only. Rows removed, or webhook bodies erased, because they were old. Nothing for a day: no worker runs.',
      ['rule'],
    );
    metrics.gauges(
      'retention_behind',
      'Workers only. 1 while there is more to remove than a run of this node removed, or the run failed; the log names the rule.',
      'max',
      'rule',
      () => new Map(this.all.map(({ rule, isBehind }) => [rule.name, Number(isBehind)])),
    );
  }

  /** Waits for the current batch. */
  override async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await super.onApplicationShutdown();
  }

  protected async runOnce(): Promise<void> {
    let unfinished = this.all;
    for (const progress of this.all) progress.hasFailed = false;
    for (let round = 0; round < MAX_ROUNDS && unfinished.length > 0; round += 1) {
      const full: Progress[] = [];
      for (const progress of unfinished) {
        if (this.stopping.signal.aborted) return;
        if (await this.removeBatch(progress)) full.push(progress);
      }
      unfinished = full;
    }
    for (const progress of this.all) progress.isBehind = progress.hasFailed || unfinished.includes(progress);
  }

  /** Returns whether the batch was full, so that there may be more. One that fails leaves the other rules' rows to be removed. */
  private async removeBatch(progress: Progress): Promise<boolean> {
    const { rule } = progress;
    const size = progress.size.current;
    const startedAt = performance.now();
    if (startedAt - progress.cursorSince > CURSOR_LIFETIME_MS)
      Object.assign(progress, { cursor: START, cursorSince: startedAt });
    try {
      const { count, cursor } = await this.store.removeBatch(rule, progress.cursor, size);
      progress.cursor = cursor;
      this.removed.inc({ rule: rule.name }, count);
      return count === size;
    } catch (error) {
      progress.hasFailed = true;
      this.log.warn(`a batch of ${rule.name} failed`);
      this.onError(error);
      return false;
    } finally {
      await this.pace(progress, performance.now() - startedAt);
    }
  }

  private async pace(progress: Progress, tookMs: number): Promise<void> {
    progress.size.record(tookMs);
    const restMs = tookMs + (this.store.isLaneBusy ? BUSY_PAUSE_MS : 0);
    await pause(restMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}
