/**
 * Runs `turn` again and again, `everyMs` after the last one ended, until stopped. A turn that throws is reported and the
 * loop goes on. Stop is idempotent and waits for the turn under way.
 */
export class Loop {
  private timer: NodeJS.Timeout | undefined;
  private current: Promise<void> = Promise.resolve();
  private stopped = true;
  private running = false;
  private woken = false;

  constructor(
    private readonly everyMs: number,
    private readonly turn: () => Promise<void>,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.schedule();
  }

  /** Has the next turn begin at once, or as soon as the one under way has ended. */
  wake(): void {
    if (this.stopped) return;
    this.woken = true;
    if (this.running) return;
    clearTimeout(this.timer);
    this.schedule();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.current;
  }

  private schedule(): void {
    if (this.stopped) return;
    const waitMs = this.woken ? 0 : this.everyMs;
    this.woken = false;
    this.timer = setTimeout(() => {
      this.running = true;
      this.current = this.turn()
        .catch(this.onError)
        .finally(() => {
          this.running = false;
          this.schedule();
        });
    }, waitMs);
  }
}
