import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { RollupStore } from './rollup.store.js';

const EVERY_MS = 1_000;
/**
 * Events of one transaction. What they change are the rows of roll-ups that they have in common, so large slices cost far less an event: 5,000 that
 * are all different changed five rows each, 50,000 one, in 3.7 s of a busy machine (the bench of engagement). A statement has fifteen seconds.
 */
const SLICE = 25_000;
/** Slices of one run; what is left is for the next one. */
const MAX_SLICES = 20;

/** PostgreSQL's code for a lock that was not had in time: a batch is being written. */
const LOCK_NOT_AVAILABLE = '55P03';

/** Keeps the roll-ups, a second behind what comes in. Of several workers one is at it at a time; the others find nothing to do. */
@Injectable()
export class RollupsWorker extends PeriodicWorker {
  private readonly events: Counter;
  private readonly folded: Counter<'dimension'>;
  private rolledUpAt = Date.now();

  constructor(
    private readonly store: RollupStore,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    const runs = config.ROLES.includes('worker');
    super({ log: 'engagement', everyMs: EVERY_MS, runs });
    this.events = metrics.counter(
      'engagement_rolled_up_total',
      'Workers only. Engagement events that were counted in the roll-ups.',
    );
    this.folded = metrics.counter(
      'engagement_values_folded_total',
      'Workers only. Names (of kinds, teams, campaigns, templates, channels, platforms, countries) that were counted as `(other)` since their day had too many. It grows: somebody sends ids in their place.',
      ['dimension'],
    );
    metrics.gauge(
      'engagement_rollup_behind_seconds',
      'Workers only. Since all events that had come in were in the roll-ups. More than a minute: workers stand still, or more comes in than they count.',
      'max',
      () => (runs ? (Date.now() - this.rolledUpAt) / 1_000 : 0),
    );
  }

  /** One run: slices, until all that had come in when it began is counted. */
  async runOnce(): Promise<void> {
    const bound = await this.store.readBound();
    if (await this.store.keepUp(bound)) {
      this.rolledUpAt = Date.now();
      return;
    }
    for (let slice = 0; slice < MAX_SLICES; slice += 1) {
      const counted = await this.store.rollUp(bound, SLICE);
      this.events.inc(counted?.events ?? 0);
      for (const dimension of counted?.folded ?? []) this.folded.inc({ dimension });
      if (counted?.events === SLICE) continue;
      if (counted !== undefined) this.rolledUpAt = Date.now();
      return;
    }
  }

  protected override onError(error: unknown): void {
    const isBusy = error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE;
    if (!isBusy) super.onError(error);
  }
}
