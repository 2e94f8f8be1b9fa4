import { monotonicNow } from '../scheduling/monotonic.js';

/** How long after a failure PostgreSQL counts as unavailable, unless a query succeeds first. */
const OUTAGE_MS = 5_000;

/**
 * How long to wait for a query for which there is a fallback. While PostgreSQL is known to be unavailable the wait is
 * short, so that callers do not queue up behind a connection that will not come; each query still probes whether
 * PostgreSQL is back.
 */
export class OutageAwareTimeout {
  private failedAt = -Infinity;

  /** `outageMs`: the timeout while PostgreSQL is unavailable, in ms. */
  constructor(
    private readonly outageMs: number,
    private readonly now: () => number = monotonicNow,
  ) {}

  /** The timeout in ms for the next query; `normalMs` when PostgreSQL is not known to be unavailable. */
  timeoutMs(normalMs: number): number {
    return this.now() - this.failedAt < OUTAGE_MS ? this.outageMs : normalMs;
  }

  /** A query succeeded: the outage is over. */
  recordSuccess(): void {
    this.failedAt = -Infinity;
  }

  /** A query failed or timed out because PostgreSQL is unavailable. */
  recordOutage(): void {
    this.failedAt = this.now();
  }
}
