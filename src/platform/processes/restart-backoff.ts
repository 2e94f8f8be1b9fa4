const FIRST_MS = 500;
const LONGEST_MS = 30_000;
/** A process that was ready for this long did not fail because of how it started. */
const STABLE_MS = 60_000;

/** How long to wait before a process that ended is started again: twice as long each time, up to 30 s. */
export class RestartBackoff {
  private failures = 0;

  /** Returns ms. `readyMs`: for how long the process that ended had been ready; 0 if it never was. */
  next(readyMs: number): number {
    if (readyMs >= STABLE_MS) this.failures = 0;
    const waitMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.failures);
    this.failures += 1;
    return waitMs;
  }
}
