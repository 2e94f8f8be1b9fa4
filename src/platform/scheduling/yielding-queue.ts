/** How long bulk work may run, in ms, before the event loop reads its sockets again, and with them critical messages. */
const SLICE_MS = 0.5;

/** Finished tasks are removed from the array this many at a time: removing each at once would copy the array each time. */
const COMPACT_AT = 1_024;

interface QueuedTask {
  readonly run: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs bulk work in short slices and lets the event loop go on between them, so that a flood of one kind of work never blocks
 * the rest. First in, first out. A task is synchronous, and should take far less than a slice.
 */
export class YieldingQueue {
  private queue: QueuedTask[] = [];
  private head = 0;
  private scheduled = false;

  /** While `mayRun` returns false no task runs. It is called once an iteration of the event loop while tasks are queued. */
  constructor(
    private readonly mayRun: () => boolean = () => true,
    private readonly sliceMs = SLICE_MS,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Tasks that have not run yet. */
  get waiting(): number {
    return this.queue.length - this.head;
  }

  /** Resolves with what `task` returns, once it has run; rejects with what it throws. */
  run<T>(task: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.queue.push({ run: () => resolve(task()), reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled || this.waiting === 0) return;
    this.scheduled = true;
    setImmediate(this.runSlice);
  }

  private readonly runSlice = (): void => {
    this.scheduled = false;
    if (!this.mayRun()) return this.schedule();
    const until = this.now() + this.sliceMs;
    do {
      const { run, reject } = this.queue[this.head] as QueuedTask;
      this.head += 1;
      try {
        run();
      } catch (error) {
        reject(error);
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
