import { setTimeout as pause } from 'node:timers/promises';
import { Loop } from '../../platform/scheduling/loop.js';
import { withTimeout } from '../../platform/scheduling/timeout.js';
import type { DurableTier } from '../../platform/tiers.js';
import type { ProviderName } from '../queue/push.js';
import { backoffMs } from './retry.js';
import type { PushBatchResult, PushBatch, PushBatchesService } from './push-batches.service.js';

const EVERY_MS: Record<DurableTier, number> = { critical: 500, important: 1_000 };
/** Under way at once, of what the guard lets a vendor have (guard.ts): a campaign leaves places for what is critical. */
const AT_ONCE: Record<DurableTier, number> = { critical: 200, important: 160 };
/** With less room than this a round is not worth its statements. */
const LEAST = 40;
/** So long the next round waits for the last one: what comes meanwhile goes together. */
const GATHER_MS = 100;
/** Bounds a turn; what is left has the next one, which begins at once. */
const MAX_ROUNDS = 50;
/** How long a spent budget is left alone: so long that some are granted, so short that the pace is even. */
const REFILL_MS = { least: 50, most: 250 };
/** From so many failures of one round on, it is not the devices. */
const TELLING = 10;

/**
 * The pushes of one tier for one vendor. A round follows the last one, or overtakes it while there is room: a push that the vendor does not
 * answer holds up no other.
 */
export class PushLaneWorker {
  private readonly loop: Loop;
  private readonly underWay = new Set<Promise<void>>();
  /** Pushes that were claimed and not settled. */
  private open = 0;
  private stopped = false;
  private last: Promise<void> = Promise.resolve();
  private onRoom: (() => void) | undefined;
  private failures = 0;
  /** Until then a vendor that refuses everything is left alone; the rounds that began before say nothing new. */
  private pausedAt = 0;
  private pausedUntil = 0;

  /** `onError` hears that PostgreSQL or Redis failed: what was claimed is due again later. */
  constructor(
    private readonly rounds: PushBatchesService,
    private readonly vendor: ProviderName,
    readonly tier: DurableTier,
    private readonly onError: (error: unknown) => void,
  ) {
    this.loop = new Loop(EVERY_MS[tier], () => this.turn(), onError);
  }

  start(): void {
    this.stopped = false;
    this.loop.start();
  }

  wake(): void {
    this.loop.trigger();
  }

  /** Waits for what is under way, which the guard's deadline bounds. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.loop.stop();
    await Promise.all(this.underWay);
  }

  private async turn(): Promise<void> {
    for (let count = 0; count < MAX_ROUNDS; count += 1) {
      const room = await this.room();
      if (this.stopped || Date.now() < this.pausedUntil) return;
      const round = await this.rounds.begin(this.vendor, this.tier, room);
      this.follow(round);
      if (!round.more) return;
      if (round.waitMs > 0) await pause(Math.min(Math.max(round.waitMs, REFILL_MS.least), REFILL_MS.most));
    }
    this.loop.trigger();
  }

  /** How many more may be under way, once it is worth a round. */
  private async room(): Promise<number> {
    const most = AT_ONCE[this.tier];
    await withTimeout(GATHER_MS, this.last).catch(() => undefined);
    while (most - this.open < LEAST) await new Promise<void>((resolve) => (this.onRoom = resolve));
    return most - this.open;
  }

  private follow(round: PushBatch): void {
    if (round.size === 0) return;
    const beganAt = Date.now();
    let open = round.size;
    this.open += open;
    const settled = (count: number): void => {
      open -= count;
      this.open -= count;
      this.onRoom?.();
    };
    const followed = round
      .finish(settled)
      .then((outcome) => this.backOffOnOutage(outcome, beganAt), this.onError)
      .finally(() => {
        settled(open);
        this.underWay.delete(followed);
      });
    this.underWay.add(followed);
    this.last = followed;
  }

  /** A vendor that refuses a whole round is left alone for a while: millions that wait must not each try by themselves. */
  private backOffOnOutage({ asked, failed }: PushBatchResult, beganAt: number): void {
    if (failed < asked) this.failures = 0;
    if (failed < asked || asked < TELLING || beganAt <= this.pausedAt) return;
    this.failures += 1;
    this.pausedAt = Date.now();
    this.pausedUntil = this.pausedAt + backoffMs(this.failures);
  }
}
