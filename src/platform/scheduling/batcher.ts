import { runIsolated } from './isolation.js';
import { monotonicNow } from './monotonic.js';

/** How a batcher makes and runs its batches. */
export interface BatcherOptions<Item, Result> {
  /** Handles all items of a batch together. Returns one result an item, in the order of the items. */
  readonly runBatch: (items: Item[]) => Promise<Result[]>;
  /** The most that a batch may weigh. An item that is heavier than this alone makes a batch of its own. */
  readonly size: number;
  /** The weight of an item; 1 when this is not set. */
  readonly weigh?: (item: Item) => number;
  /** Batches that may run at once; further items are queued meanwhile. */
  readonly concurrency: number;
  /** Milliseconds between the beginnings of two batches at least; 0 when this is not set. An idle batcher begins at once, a busy one makes larger batches. */
  readonly spacingMs?: number;
  /** Whether an idle batcher begins with what the current callback adds, instead of waiting for the rest of this iteration of the event loop. */
  readonly beginsAtOnce?: boolean;
  /** Items that may be queued; the next one is refused with `QueueFull`. */
  readonly capacity: number;
  /**
   * Returns true for an error that one bad item may have caused. The items are then run in halves, so that the bad item does not fail
   * the others (isolation.ts). Without it a batch fails as a whole.
   */
  readonly isolate?: (error: unknown) => boolean;
}

/** The queue is full. The caller should refuse its work with "try again later" instead of waiting. */
export class QueueFull extends Error {
  constructor() {
    super('the queue is full');
  }
}

interface QueuedItem<Item, Result> {
  readonly item: Item;
  readonly resolve?: (result: Result) => void;
  readonly reject?: (error: Error) => void;
}

/**
 * Group commit: items that are added in the same iteration of the event loop, or while earlier batches run, are handled together.
 * An idle batcher adds no delay beyond that iteration, or none (`beginsAtOnce`); a busy one makes larger batches by itself.
 */
export class Batcher<Item, Result> {
  private queue: QueuedItem<Item, Result>[] = [];
  private running = 0;
  private scheduled = false;
  private lastBegunAt = -Infinity;

  constructor(private readonly options: BatcherOptions<Item, Result>) {}

  /** Resolves with the item's result. Rejects with what its batch threw, or with `QueueFull`. */
  add(item: Item): Promise<Result> {
    if (this.queue.length >= this.options.capacity) return Promise.reject(new QueueFull());
    return new Promise((resolve, reject) => {
      this.queue.push({ item, resolve, reject });
      this.schedule();
    });
  }

  /** Adds an item whose result nobody waits for, without creating a promise. Returns false when the queue is full. */
  addAndForget(item: Item): boolean {
    if (this.queue.length >= this.options.capacity) return false;
    this.queue.push({ item });
    this.schedule();
    return true;
  }

  /** Items that are queued, without those of running batches. */
  get waiting(): number {
    return this.queue.length;
  }

  private schedule(): void {
    if (this.scheduled || this.running >= this.options.concurrency || this.queue.length === 0) return;
    this.scheduled = true;
    const waitMs = this.lastBegunAt + (this.options.spacingMs ?? 0) - monotonicNow();
    if (waitMs > 0) setTimeout(this.begin, waitMs);
    else if (this.options.beginsAtOnce && this.running === 0) queueMicrotask(this.begin);
    else setImmediate(this.begin);
  }

  private readonly begin = (): void => {
    this.scheduled = false;
    this.lastBegunAt = monotonicNow();
    void this.runNext();
    this.schedule();
  };

  private async runNext(): Promise<void> {
    const batch = this.takeBatch();
    if (batch.length === 0) return;
    this.running += 1;
    try {
      await this.run(batch);
    } finally {
      this.running -= 1;
      this.schedule();
    }
  }

  private run(batch: QueuedItem<Item, Result>[]): Promise<void> {
    return runIsolated(batch, {
      run: async (queued) => {
        const results = await this.options.runBatch(queued.map(({ item }) => item));
        queued.forEach(({ resolve }, index) => resolve?.(results[index] as Result));
      },
      isolate: (error) => this.options.isolate?.(error) ?? false,
      onFailure: (queued, error) => {
        for (const { reject } of queued) reject?.(error as Error);
      },
    });
  }

  private takeBatch(): QueuedItem<Item, Result>[] {
    const { size, weigh } = this.options;
    if (!weigh) return this.queue.splice(0, size);
    let count = 0;
    for (let weight = 0; count < this.queue.length; count += 1) {
      weight += weigh((this.queue[count] as QueuedItem<Item, Result>).item);
      if (weight > size && count > 0) break;
    }
    return this.queue.splice(0, count);
  }
}
