import type { DurableTier } from '../../../platform/tiers.js';

/** Hands out connections in turn, to critical mails first. */
export class ConnectionQueue {
  private readonly waiting: Record<DurableTier, Set<(isGranted: boolean) => void>> = {
    critical: new Set(),
    important: new Set(),
  };
  private closed = false;

  /** `free`: how many connections there are. */
  constructor(private free: number) {}

  /** Waits for a connection, which `release` gives back. Returns false, without one, once the signal is aborted or the queue is closed. */
  take(tier: DurableTier, signal: AbortSignal): Promise<boolean> {
    if (this.closed || signal.aborted) return Promise.resolve(false);
    if (this.free > 0) {
      this.free -= 1;
      return Promise.resolve(true);
    }
    const queue = this.waiting[tier];
    return new Promise((resolve) => {
      const giveUp = (): void => settle(false);
      const settle = (isGranted: boolean): void => {
        queue.delete(settle);
        signal.removeEventListener('abort', giveUp);
        resolve(isGranted);
      };
      queue.add(settle);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Gives a connection back, to whoever waits for one. */
  release(): void {
    const { critical, important } = this.waiting;
    const [next] = critical.size > 0 ? critical : important;
    if (next) next(true);
    else this.free += 1;
  }

  /** Hands out no more connections. Idempotent. */
  close(): void {
    this.closed = true;
    for (const queue of Object.values(this.waiting)) for (const settle of queue) settle(false);
  }

  get isClosed(): boolean {
    return this.closed;
  }
}
