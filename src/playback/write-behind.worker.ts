import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Loop } from '../platform/scheduling/loop.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { isOutage } from '../platform/postgres/outage.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import { PlaybackStore, type PlaybackPosition } from './playback.store.js';

const EVERY_MS = 500;
/** Some 20 MiB. One position a show and profile: an hour's outage of a node with 50,000 viewers fits. */
const CAPACITY = 50_000;
const AT_ONCE = 1_000;
const LAST_CHANCE_MS = 1_000;

/**
 * Positions that were told while PostgreSQL was away, and are written when it is back, the newest of each show. They end with
 * this process: the devices say where they are again within a minute.
 */
@Injectable()
export class WriteBehindWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('playback');
  private readonly held = new Map<string, PlaybackPosition>();
  private readonly loop = new Loop(
    EVERY_MS,
    () => this.write(),
    () => undefined,
  );

  constructor(
    private readonly store: PlaybackStore,
    metrics: MetricsService,
  ) {
    metrics.gauge('unsaved_positions', 'Positions that wait for PostgreSQL', () => this.held.size);
  }

  /** While something waits here, PostgreSQL is known to be away: nobody need wait to find out. */
  get hasPending(): boolean {
    return this.held.size > 0;
  }

  /** False when there is no room for it. */
  hold(position: PlaybackPosition): boolean {
    const place = `${position.userId}\n${position.profileId}\n${position.showId}`;
    const other = this.held.get(place);
    if (!other && this.held.size >= CAPACITY) return false;
    if (!this.hasPending)
      this.log.warn('PostgreSQL is away: positions are told, and written when it is back');
    if (!other || other.at <= position.at) this.held.set(place, position);
    return true;
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await withTimeout(LAST_CHANCE_MS, this.write()).catch(() => undefined);
    if (this.hasPending) this.log.warn(`${this.held.size} positions were told and never written`);
  }

  private async write(): Promise<void> {
    if (!this.hasPending) return;
    while (this.hasPending) {
      const some = [...this.held].slice(0, AT_ONCE);
      await Promise.all(some.map(([place, position]) => this.writeOne(place, position)));
    }
    this.log.log('PostgreSQL is back: all positions are written');
  }

  /** What cannot be written for another reason than an outage never will be. */
  private async writeOne(place: string, position: PlaybackPosition): Promise<void> {
    await this.store.save(position).catch((error: unknown) => {
      if (isOutage(error)) throw error;
      this.log.error(error);
    });
    if (this.held.get(place) === position) this.held.delete(place);
  }
}
