import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import type { Broadcast } from '../broadcast.js';
import { type BroadcastCount, BroadcastTallyStore } from './broadcast-tally.store.js';
import { isSampled } from './receipt-sample.js';

/** How old the counts are at most. A node that is killed takes those of its last seconds along. */
const EVERY_MS = 2_000;

/** Counts the devices of the sampled users that were sent broadcasts and acknowledged them: in memory, and written together. */
@Injectable()
export class BroadcastTallyWorker extends PeriodicWorker {
  private counts = new Map<number, BroadcastCount>();
  private readonly frames: Counter<'stage'>;

  constructor(
    private readonly store: BroadcastTallyStore,
    metrics: MetricsService,
  ) {
    super({ log: 'broadcasts', everyMs: EVERY_MS });
    this.frames = metrics.counter(
      'broadcast_frames_total',
      'Broadcasts that were `sent` to devices of this node, and `received`: acknowledged by them. Each device counts, also those that are in no sample.',
      ['stage'],
    );
  }

  /** A device of the user got so far with the broadcast. */
  count({ number, sample }: Broadcast, userId: string, stage: 'sent' | 'received'): void {
    this.frames.inc({ stage });
    if (isSampled(userId, sample)) this.of(number)[stage] += 1;
  }

  /** Writes what was counted until the end. */
  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    await this.runOnce().catch((error: unknown) => this.onError(error));
  }

  protected async runOnce(): Promise<void> {
    if (this.counts.size === 0) return;
    const { counts } = this;
    this.counts = new Map();
    try {
      await this.store.add([...counts.values()]);
    } catch (error) {
      for (const { number, sent, received } of counts.values()) {
        const count = this.of(number);
        count.sent += sent;
        count.received += received;
      }
      throw error;
    }
  }

  private of(number: number): BroadcastCount {
    const known = this.counts.get(number);
    if (known) return known;
    const count = { number, sent: 0, received: 0 };
    this.counts.set(number, count);
    return count;
  }
}
