import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { Problem } from '../../platform/http/problem.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { rollupsAdvanced, WatermarkWorker } from '../analytics/watermark.worker.js';
import type { RollupWatermark } from '../rollups/rollup.store.js';
import { LiveBuckets, type LiveBucket, type LiveScope, toBuckets } from './live-buckets.js';
import { LiveBucketStore } from './live-bucket.store.js';

/** Viewers of a node, and the different teams and campaigns that they watch. */
const MAX_VIEWERS = 500;
const MAX_SCOPES = 100;
/** What a viewer sees. */
const SHOWN_MS = 3_600_000;

/** Minutes that are new or have changed, and as of when they are. */
export interface LiveUpdate {
  /** With it a viewer who comes back goes on where it was. */
  readonly version: number;
  readonly rolledUpTo: string;
  readonly buckets: readonly LiveBucket[];
}

/** Somebody who watches. */
export interface LiveViewer {
  readonly scope: LiveScope;
  /** The version of the last update that it has; 0: none. */
  readonly lastVersion: number;
  /** By what it may watch: the id of a service key, or of a session of the console. */
  readonly access: { readonly by: 'key' | 'session'; readonly id: string };
  /** Returns false when the viewer is gone, or too slow. */
  send(update: LiveUpdate): boolean;
  /** Disconnects it. */
  close(): void;
}

/** What is watched, and by whom. */
interface Watched {
  readonly scope: LiveScope;
  readonly buckets: Promise<LiveBuckets>;
  readonly viewers: Set<LiveViewer>;
}

/** Shows viewers what people do now: one query a second and node, however many they are. */
@Injectable()
export class LiveEngagementService implements OnModuleInit {
  private readonly watched = new Map<string, Watched>();
  private readonly slow: Counter;
  private count = 0;
  private isReading = false;

  constructor(
    private readonly store: LiveBucketStore,
    private readonly watermark: WatermarkWorker,
    private readonly bus: EventBusService,
    metrics: MetricsService,
  ) {
    metrics.gauge(
      'analytics_viewers',
      'Who watches GET /v1/analytics/stream on this node; at most 500.',
      'sum',
      () => this.count,
    );
    this.slow = metrics.counter(
      'analytics_viewers_cut_off_total',
      'Viewers of GET /v1/analytics/stream whose connection was closed because they did not read what they were sent.',
    );
  }

  onModuleInit(): void {
    this.bus.subscribe(rollupsAdvanced, (watermark) => this.update(watermark));
  }

  /** Those who watch. */
  get viewers(): LiveViewer[] {
    return [...this.watched.values()].flatMap(({ viewers }) => Array.from(viewers));
  }

  /** Sends the viewer what it has not seen of the last hour, and from now on what changes. Returns how to end that. Throws Problem overload. */
  async watch(viewer: LiveViewer): Promise<() => void> {
    const key = `${viewer.scope.team} ${viewer.scope.campaign}`;
    if (this.count >= MAX_VIEWERS || (!this.watched.has(key) && this.watched.size >= MAX_SCOPES))
      throw new Problem('overload', 'Too many people watch already.', { retryAfterMs: 30_000 });
    const watched = this.watched.get(key) ?? this.load(viewer.scope);
    this.watched.set(key, watched);
    watched.viewers.add(viewer);
    this.count += 1;
    const leave = () => this.leave(key, viewer);
    try {
      const [buckets, { at }] = await Promise.all([watched.buckets, this.watermark.current()]);
      const changed = buckets.changedSince(viewer.lastVersion);
      viewer.send({ version: buckets.version, rolledUpTo: at, buckets: changed });
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  private load(scope: LiveScope): Watched {
    const read = async (): Promise<LiveBuckets> => {
      // What is counted while this is read has a higher version, and comes with the next update.
      const { seq } = await this.watermark.current();
      const [changes] = await this.store.read([[scope, 0]], shownFrom(), seq);
      return new LiveBuckets(changes?.counts ?? [], changes?.version ?? 0);
    };
    return { scope, buckets: read(), viewers: new Set() };
  }

  private leave(key: string, viewer: LiveViewer): void {
    const watched = this.watched.get(key);
    if (!watched?.viewers.delete(viewer)) return;
    this.count -= 1;
    if (watched.viewers.size === 0) this.watched.delete(key);
  }

  /** Does nothing while the last update is being read: the next one brings both. */
  private async update(watermark: RollupWatermark): Promise<void> {
    if (this.isReading || this.watched.size === 0) return;
    this.isReading = true;
    try {
      const all = await Promise.all(
        [...this.watched.values()].map(async ({ scope, viewers, buckets }) => ({
          scope,
          viewers,
          buckets: await buckets,
        })),
      );
      const behind = all.filter(({ buckets }) => buckets.version < watermark.seq);
      if (behind.length > 0) await this.read(behind, watermark);
    } finally {
      this.isReading = false;
    }
  }

  private async read(
    all: readonly { scope: LiveScope; viewers: ReadonlySet<LiveViewer>; buckets: LiveBuckets }[],
    { seq, at }: RollupWatermark,
  ): Promise<void> {
    const from = shownFrom();
    const since = all.map(({ scope, buckets }) => [scope, buckets.version] as const);
    const found = await this.store.read(since, from, seq);
    for (const [n, { buckets, viewers }] of all.entries()) {
      const { counts, version } = found[n] ?? { counts: [], version: buckets.version };
      buckets.merge(counts, version);
      buckets.forgetBefore(from);
      this.send(viewers, { version: buckets.version, rolledUpTo: at, buckets: toBuckets(counts) });
    }
  }

  private send(viewers: ReadonlySet<LiveViewer>, update: LiveUpdate): void {
    if (update.buckets.length === 0) return;
    for (const viewer of viewers) if (!viewer.send(update)) this.slow.inc();
  }
}

const shownFrom = (): string => new Date(Date.now() - SHOWN_MS).toISOString();
