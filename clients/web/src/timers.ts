/** Owns every timer of one client. A name has one timer at a time; after `stop` none starts any more. */
export class Timers {
  private readonly running = new Map<string, ReturnType<typeof setTimeout>>();
  private stopped = false;

  set(name: string, ms: number, act: () => void): void {
    this.clear(name);
    if (this.stopped) return;
    const fire = () => {
      this.running.delete(name);
      act();
    };
    this.running.set(name, setTimeout(fire, ms));
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
