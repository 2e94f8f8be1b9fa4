import { setTimeout as sleep } from 'node:timers/promises';
import { Loop } from '../../platform/scheduling/loop.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { withTimeout } from '../../platform/scheduling/timeout.js';
import type { DurableTier } from '../../platform/tiers.js';
import type { PushBatch, PushBatchesService, PushBatchResult } from './push-batches.service.js';
import { backoffMs } from './retry.js';

/** Pushes in flight, of the 200 that one provider may have (resilience.ts): a campaign leaves slots for critical pushes. */
const MAX_IN_FLIGHT: Record<DurableTier, number> = { critical: 200, important: 160 };
/** A smaller batch is not worth its statements. */
const MIN_BATCH = 40;
/** How long the next batch waits for the last one to end, so that pushes that become due meanwhile go together. */
const GATHER_MS = 100;
/** Batches in one run; the next run begins at once. */
const MAX_BATCHES = 50;
/** The pause when the budget is used up: long enough to be granted some, short enough for an even rate. */
const BUDGET_PAUSE_MS = { min: 50, max: 250 };
/** If a whole batch of at least this size fails, suspect the provider, not the devices, and pause. */
const MIN_OUTAGE_BATCH = 10;

/**
 * Sends the pushes of one tier through one provider, whenever PushDispatchWorker wakes it. Batches overlap while there is room, so that a push that the provider does not
 * respond to delays no other.
 */
export class PushLaneWorker {
  private readonly loop: Loop;
  private readonly running = new Set<Promise<void>>();
  /** Pushes that were claimed and not settled. */
  private inFlight = 0;
  private stopped = false;
  private lastBatch: Promise<void> = Promise.resolve();
  private onRoom: (() => void) | undefined;
  private failures = 0;
  /** Monotonic times in ms. A provider that fails a whole batch is left alone until then; batches begun before the pause extend no pause. */
  private pausedAt = -Infinity;
  private pausedUntil = -Infinity;

  /** `onError` is called when PostgreSQL or Redis fails. Claimed pushes are due again later. */
  constructor(
    private readonly batches: PushBatchesService,
    readonly provider: string,
    readonly tier: DurableTier,
    private readonly onError: (error: unknown) => void,
  ) {
    this.loop = new Loop(undefined, () => this.run(), onError);
  }

  start(): void {
    this.stopped = false;
    this.loop.start();
  }

  /** Claims what is due, now or once the current run has ended. */
  wake(): void {
    this.loop.trigger();
  }

  /** Waits for the batches in flight, which the provider's timeout bounds. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.loop.stop();
    await Promise.all(this.running);
  }

  private async run(): Promise<void> {
    for (let count = 0; count < MAX_BATCHES; count += 1) {
      const room = await this.waitForRoom();
      if (this.stopped || monotonicNow() < this.pausedUntil) return;
      const batch = await this.batches.claim(this.provider, this.tier, room);
      this.send(batch);
      if (!batch.hasMore) return;
      if (batch.waitMs > 0)
        await sleep(Math.min(Math.max(batch.waitMs, BUDGET_PAUSE_MS.min), BUDGET_PAUSE_MS.max));
    }
    this.loop.trigger();
  }

  /** Returns how many more may be in flight, once they are worth a batch. */
  private async waitForRoom(): Promise<number> {
    const max = MAX_IN_FLIGHT[this.tier];
    await withTimeout(GATHER_MS, this.lastBatch).catch(() => undefined);
    while (max - this.inFlight < MIN_BATCH) await new Promise<void>((resolve) => (this.onRoom = resolve));
    return max - this.inFlight;
  }

  private send(batch: PushBatch): void {
    if (batch.size === 0) return;
    const startedAt = monotonicNow();
    let unsettled = batch.size;
    this.inFlight += unsettled;
    const onSettled = (count: number): void => {
      unsettled -= count;
      this.inFlight -= count;
      this.onRoom?.();
    };
    const sending = batch
      .send(onSettled)
      .then((result) => this.pauseOnOutage(result, startedAt), this.onError)
      .finally(() => {
        onSettled(unsettled);
        this.running.delete(sending);
      });
    this.running.add(sending);
    this.lastBatch = sending;
  }

  /** Pauses after a batch that failed as a whole: millions of waiting pushes must not each try by themselves. */
  private pauseOnOutage({ sent, failed }: PushBatchResult, startedAt: number): void {
    if (failed < sent) this.failures = 0;
    if (failed < sent || sent < MIN_OUTAGE_BATCH || startedAt <= this.pausedAt) return;
    this.failures += 1;
    this.pausedAt = monotonicNow();
    this.pausedUntil = this.pausedAt + backoffMs(this.failures);
  }
}
