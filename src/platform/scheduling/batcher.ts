/** What a batcher needs to know. */
export interface BatcherOptions<Item, Result> {
  /** Handles all items in one act; answers one result an item, in their order. */
  readonly act: (items: Item[]) => Promise<Result[]>;
  /** How much an act takes at most; an item weighs 1 unless `weigh` says otherwise, and one item always goes. */
  readonly size: number;
  readonly weigh?: (item: Item) => number;
  /** Acts under way at once; further items gather meanwhile. */
  readonly concurrency: number;
  /** Items that may wait; one more is refused with `BatcherFull`. */
  readonly capacity: number;
  /** Whether a failure may be one item's fault: then each is tried alone, so that none spoils it for the others. */
  readonly isolate?: (error: unknown) => boolean;
}

/** The queue is full: the caller should answer "later", not wait. */
export class QueueFull extends Error {
  constructor() {
    super('too much is waiting already');
  }
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve?: (result: Result) => void;
  readonly reject?: (error: Error) => void;
}

/**
 * Group commit: items that arrive in the same turn of the event loop, or while earlier acts are under way, go together.
 * An idle batcher adds no delay beyond the turn; a busy one makes larger batches by itself.
 */
export class Batcher<Item, Result> {
  private queue: Waiting<Item, Result>[] = [];
  private running = 0;
  private scheduled = false;

  constructor(private readonly options: BatcherOptions<Item, Result>) {}

  add(item: Item): Promise<Result> {
    if (this.queue.length >= this.options.capacity) return Promise.reject(new QueueFull());
    return new Promise((resolve, reject) => {
      this.queue.push({ item, resolve, reject });
      this.schedule();
    });
  }

  /** Takes an item whose outcome nobody waits for; false when the queue is full. Costs no promise. */
  addAndForget(item: Item): boolean {
    if (this.queue.length >= this.options.capacity) return false;
    this.queue.push({ item });
    this.schedule();
    return true;
  }

  get waiting(): number {
    return this.queue.length;
  }

  private schedule(): void {
    if (this.scheduled || this.running >= this.options.concurrency || this.queue.length === 0) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      void this.runOnce();
      this.schedule();
    });
  }

  private async runOnce(): Promise<void> {
    const batch = this.take();
    if (batch.length === 0) return;
    this.running += 1;
    try {
      await this.act(batch);
    } finally {
      this.running -= 1;
      this.schedule();
    }
  }

  private async act(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.options.act(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, index) => waiting.resolve?.(results[index] as Result));
    } catch (error) {
      if (batch.length > 1 && this.options.isolate?.(error)) {
        for (const waiting of batch) await this.act([waiting]);
      } else {
        for (const waiting of batch) waiting.reject?.(error as Error);
      }
    }
  }

  private take(): Waiting<Item, Result>[] {
    const { size, weigh } = this.options;
    if (!weigh) return this.queue.splice(0, size);
    let count = 0;
    for (let weight = 0; count < this.queue.length; count += 1) {
      weight += weigh((this.queue[count] as Waiting<Item, Result>).item);
      if (weight > size && count > 0) break;
    }
    return this.queue.splice(0, count);
  }
}
