/** How long bulk work may run before the event loop reads its sockets again, and with them what is critical. */
const SLICE_MS = 0.5;

/** Done pieces are dropped from the queue in heaps of this size. */
const COMPACT_AT = 1_024;

interface Waiting {
  readonly act: () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Bulk work in small pieces: what waits here runs in slices between which the event loop turns, so that a flood through
 * one door never holds up what comes by another. First come, first served; a piece should take well under a slice.
 */
export class YieldingQueue {
  private queue: Waiting[] = [];
  private head = 0;
  private scheduled = false;

  /** `mayRun` holds the queue back while it is false. */
  constructor(
    private readonly mayRun: () => boolean = () => true,
    private readonly sliceMs = SLICE_MS,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get waiting(): number {
    return this.queue.length - this.head;
  }

  /** Resolves with what `act` gives, once it had its turn. */
  run<T>(act: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.queue.push({ act: () => resolve(act()), fail: reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled || this.waiting === 0) return;
    this.scheduled = true;
    setImmediate(this.slice);
  }

  private readonly slice = (): void => {
    this.scheduled = false;
    if (!this.mayRun()) return this.schedule();
    const until = this.now() + this.sliceMs;
    do {
      const { act, fail } = this.queue[this.head] as Waiting;
      this.head += 1;
      try {
        act();
      } catch (error) {
        fail(error);
      }
    } while (this.waiting > 0 && this.now() < until);
    if (this.waiting === 0 || this.head > COMPACT_AT) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    this.schedule();
  };
}

/** The process has one event loop, so there is one queue for its bulk work. */
export const bulkQueue = new YieldingQueue();
