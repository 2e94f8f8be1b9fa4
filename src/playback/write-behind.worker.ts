import { Injectable } from '@nestjs/common';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { isOutage } from '../platform/postgres/outage.js';
import { monotonicNow } from '../platform/scheduling/monotonic.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import { PlaybackStore, type PlaybackPosition, showKey } from './playback.store.js';

const EVERY_MS = 500;
/** Positions, some 20 MiB. One a profile and show: enough for an hour's outage of a node with 50,000 viewers. */
const CAPACITY = 50_000;
const BATCH_SIZE = 1_000;
const SHUTDOWN_TIMEOUT_MS = 1_000;

/**
 * Write-behind for positions: keeps in memory what could not be saved during an outage of PostgreSQL, the newest of
 * each show, and saves it afterwards. What is pending when the process ends is lost; the devices' next heartbeats
 * replace it within a minute.
 */
@Injectable()
export class WriteBehindWorker extends PeriodicWorker {
  private readonly pending = new Map<string, PlaybackPosition>();
  /** Since when something has been pending (monotonic). */
  private pendingSince = 0;
  private isAway = false;

  constructor(
    private readonly store: PlaybackStore,
    metrics: MetricsService,
  ) {
    super({ log: 'playback', everyMs: EVERY_MS });
    metrics.gauge(
      'unsaved_positions',
      'Positions of playback that were sent to other devices and wait to be written: PostgreSQL is away.',
      'sum',
      () => this.pending.size,
    );
    metrics.gauge(
      'unsaved_positions_oldest_seconds',
      'For how long positions of playback have waited for PostgreSQL; 0: none waits. A node keeps 50,000.',
      'max',
      () => (this.hasPending ? (monotonicNow() - this.pendingSince) / 1_000 : 0),
    );
  }

  /**
   * Whether PostgreSQL counts as unavailable, so that nobody needs to wait for a timeout to find out: from the first position that could not be
   * saved until one of those is. The others are saved meanwhile, and what comes then need not wait behind them, since the newest of a show wins.
   */
  get isPostgresAway(): boolean {
    return this.isAway;
  }

  private get hasPending(): boolean {
    return this.pending.size > 0;
  }

  /** Keeps the position until it can be saved. Returns false when there is no room for it. */
  add(position: PlaybackPosition): boolean {
    const key = showKey(position);
    const other = this.pending.get(key);
    if (!other && this.pending.size >= CAPACITY) return false;
    if (!this.hasPending) this.pendingSince = monotonicNow();
    if (!this.isAway)
      this.log.warn('PostgreSQL is unavailable: positions are sent to devices now and saved later');
    this.isAway = true;
    if (!other || other.at <= position.at) this.pending.set(key, position);
    return true;
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    await withTimeout(SHUTDOWN_TIMEOUT_MS, this.runOnce()).catch(() => undefined);
    if (this.hasPending) this.log.warn(`${this.pending.size} positions were sent to devices and never saved`);
  }

  /** `add` has said that PostgreSQL is unavailable; each try that fails need not say so again. */
  protected override onError(): void {}

  async runOnce(): Promise<void> {
    if (!this.hasPending) return;
    const waiting = [...this.pending];
    for (let start = 0; start < waiting.length; start += BATCH_SIZE) {
      const batch = waiting.slice(start, start + BATCH_SIZE);
      await Promise.all(batch.map(([key, position]) => this.write(key, position)));
      this.isAway = false;
    }
    if (!this.hasPending) this.log.log('PostgreSQL is available again: all positions are saved');
  }

  /** Throws during an outage. A position that fails for another reason is dropped, since it would fail again. */
  private async write(key: string, position: PlaybackPosition): Promise<void> {
    await this.store.save(position).catch((error: unknown) => {
      if (isOutage(error)) throw error;
      this.log.error(error);
    });
    if (this.pending.get(key) === position) this.pending.delete(key);
  }
}
