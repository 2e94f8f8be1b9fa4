import { setTimeout as sleep } from 'node:timers/promises';

/** How a walk goes. */
export interface PacedWalkOptions<Item> {
  /** Handles a batch. One that throws is handled again, after the others, when the walk proceeds. */
  readonly run: (batch: readonly Item[]) => Promise<void>;
  /** Items of a batch. */
  readonly size: number;
  /** Batches that may run at once. */
  readonly concurrency: number;
  /** Milliseconds between two batches, on average. They are spread, so that nodes that begin together do not stay in step. */
  readonly pauseMs: number;
}

/** Bulk work over many items that may take long and fail in between: in batches, with pauses, and it goes on where it failed. */
export class PacedWalk<Item> {
  private queue: (readonly Item[])[] = [];
  private running = 0;
  private walks = 0;
  private readonly stopping = new AbortController();

  constructor(private readonly options: PacedWalkOptions<Item>) {}

  /** Whether every item was handled since the last restart. */
  get isDone(): boolean {
    return this.queue.length === 0 && this.running === 0;
  }

  /** Begins anew, with these items; also while the walk proceeds. */
  restart(items: Iterable<Item>): void {
    const all = [...items];
    this.walks += 1;
    this.queue = [];
    for (let start = 0; start < all.length; start += this.options.size)
      this.queue.push(all.slice(start, start + this.options.size));
  }

  /** Resolves when every item was handled, or the walk was stopped. Throws the first error; call it again to go on with what is left. */
  async proceed(): Promise<void> {
    const lanes = Array.from({ length: this.options.concurrency }, () => this.runLane());
    const failed = (await Promise.allSettled(lanes)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  /** No further batch begins. */
  stop(): void {
    this.stopping.abort();
  }

  private async runLane(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const batch = this.queue.shift();
      if (!batch) return;
      await this.runBatch(batch);
      if (this.queue.length > 0)
        await sleep(this.options.pauseMs * 2 * Math.random(), undefined, { signal }).catch(() => undefined);
    }
  }

  private async runBatch(batch: readonly Item[]): Promise<void> {
    const walk = this.walks;
    this.running += 1;
    try {
      await this.options.run(batch);
    } catch (error) {
      if (walk === this.walks) this.queue.push(batch);
      throw error;
    } finally {
      this.running -= 1;
    }
  }
}
