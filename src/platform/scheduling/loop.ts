/**
 * Runs an asynchronous function again and again, `intervalMs` after the last run ended or when triggered, until it is stopped. Without an
 * interval it runs only when triggered. An error is given to
 * `onError`, and the loop goes on. For a Nest provider, extend PeriodicWorker instead.
 */
export class Loop {
  private timer: NodeJS.Timeout | undefined;
  private current: Promise<void> = Promise.resolve();
  private stopped = true;
  private running = false;
  private triggered = false;

  constructor(
    private readonly intervalMs: number | undefined,
    private readonly runOnce: () => Promise<void>,
    private readonly onError: (error: unknown) => void,
  ) {}

  /**
   * The first run begins within one interval, at a random moment: loops that started together would ask PostgreSQL together ever after, and
   * each connection that this needs plans every statement anew. Does nothing when the loop is started already.
   */
  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.schedule(this.intervalMs && Math.random() * this.intervalMs);
  }

  /** Starts the next run at once, or as soon as the current one has ended. Does nothing when the loop is stopped. */
  trigger(): void {
    if (this.stopped) return;
    this.triggered = true;
    if (this.running) return;
    clearTimeout(this.timer);
    this.schedule();
  }

  /** Resolves when the current run has ended. May be called more than once. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.current;
  }

  private schedule(pauseMs = this.intervalMs): void {
    const waitMs = this.triggered ? 0 : pauseMs;
    if (this.stopped || waitMs === undefined) return;
    this.triggered = false;
    this.timer = setTimeout(() => {
      this.running = true;
      this.current = this.runOnce()
        .catch(this.onError)
        .finally(() => {
          this.running = false;
          this.schedule();
        });
    }, waitMs);
  }
}
