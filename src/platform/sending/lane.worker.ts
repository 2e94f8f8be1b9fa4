import { setTimeout as sleep } from 'node:timers/promises';
import { Loop } from '../scheduling/loop.js';
import { monotonicNow } from '../scheduling/monotonic.js';
import { withTimeout } from '../scheduling/timeout.js';
import type { DurableTier } from '../tiers.js';
import { backoffMs } from './backoff.js';

/** Messages in flight, of the 200 that one provider may have (resilience.ts): a campaign leaves slots for critical pushes. */
const MAX_IN_FLIGHT: Record<DurableTier, number> = { critical: 200, important: 160 };
/** A smaller batch is not worth its statements. */
const MIN_BATCH = 40;
/** How long the next batch waits for the last one to end, so that what becomes due meanwhile goes together. */
const GATHER_MS = 100;
/** Batches in one run; the next run begins at once. */
const MAX_BATCHES = 50;
/** The pause when the budget is used up: long enough to be granted some, short enough for an even rate. */
const BUDGET_PAUSE_MS = { min: 50, max: 250 };
/** If a whole batch of at least this size fails, suspect the provider, not the addresses, and pause. */
const MIN_OUTAGE_BATCH = 10;

/** Messages that were claimed and are to be sent. */
export interface ClaimedBatch {
  readonly size: number;
  /** Whether more may be due. */
  readonly hasMore: boolean;
  /** Milliseconds until the provider's budget allows more. */
  readonly waitMs: number;
  /**
   * Sends and settles the batch; `onSettled` is called with the count of each group that was settled. Throws when PostgreSQL is down: the
   * messages are due again later.
   */
  send(onSettled: (count: number) => void): Promise<BatchResult>;
}

/** How many messages of a batch were sent to the provider, and how many of those must be retried. */
export interface BatchResult {
  readonly sent: number;
  readonly failed: number;
}

/** A queue that a LaneWorker sends. */
export interface Lane {
  readonly provider: string;
  readonly tier: DurableTier;
  /** Claims at most so many messages. Throws when PostgreSQL is down. */
  claim(limit: number): Promise<ClaimedBatch>;
}

/**
 * Sends the messages of one tier through one provider, whenever it is woken. Batches overlap while there is room, so that a message that the
 * provider does not respond to delays no other.
 */
export class LaneWorker {
  private readonly loop: Loop;
  private readonly running = new Set<Promise<void>>();
  /** Messages that were claimed and not settled. */
  private inFlight = 0;
  private stopped = false;
  private lastBatch: Promise<void> = Promise.resolve();
  private onRoom: (() => void) | undefined;
  private failures = 0;
  /** Monotonic times in ms. A provider that fails a whole batch is left alone until then; batches begun before the pause extend no pause. */
  private pausedAt = -Infinity;
  private pausedUntil = -Infinity;

  /** `onError` is called when PostgreSQL or Redis fails. Claimed messages are due again later. */
  constructor(
    readonly lane: Lane,
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
      const batch = await this.lane.claim(room);
      this.send(batch);
      if (!batch.hasMore) return;
      if (batch.waitMs > 0)
        await sleep(Math.min(Math.max(batch.waitMs, BUDGET_PAUSE_MS.min), BUDGET_PAUSE_MS.max));
    }
    this.loop.trigger();
  }

  /** Returns how many more may be in flight, once they are worth a batch. */
  private async waitForRoom(): Promise<number> {
    const max = MAX_IN_FLIGHT[this.lane.tier];
    await withTimeout(GATHER_MS, this.lastBatch).catch(() => undefined);
    while (max - this.inFlight < MIN_BATCH) await new Promise<void>((resolve) => (this.onRoom = resolve));
    return max - this.inFlight;
  }

  private send(batch: ClaimedBatch): void {
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

  /** Pauses after a batch that failed as a whole: millions of waiting messages must not each try by themselves. */
  private pauseOnOutage({ sent, failed }: BatchResult, startedAt: number): void {
    if (failed < sent) this.failures = 0;
    if (failed < sent || sent < MIN_OUTAGE_BATCH || startedAt <= this.pausedAt) return;
    this.failures += 1;
    this.pausedAt = monotonicNow();
    this.pausedUntil = this.pausedAt + backoffMs(this.failures);
  }
}
