/** Owns the timers of one client, one per name. After `stop` none fires and none can be set. */
export class Timers {
  private readonly running = new Map<string, ReturnType<typeof setTimeout>>();
  private stopped = false;

  /** Calls `callback` once after `delayMs`. Replaces the timer of the same name. */
  set(name: string, delayMs: number, callback: () => void): void {
    this.clear(name);
    if (this.stopped) return;
    const fire = () => {
      this.running.delete(name);
      callback();
    };
    this.running.set(name, setTimeout(fire, delayMs));
  }

  /** True if the timer of this name has not fired yet. */
  isSet(name: string): boolean {
    return this.running.has(name);
  }

  clear(name: string): void {
    clearTimeout(this.running.get(name));
    this.running.delete(name);
  }

  stop(): void {
    this.stopped = true;
    for (const name of this.running.keys()) this.clear(name);
  }
}
