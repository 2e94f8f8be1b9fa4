/** Tenths of a millisecond; what took longer than a minute counts as a minute. */
const PER_MS = 10;
const MOST = 60_000 * PER_MS;

/** How long something took, as it is shown: in ms. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Counts durations to a tenth of a millisecond, in the same memory however many there are. */
export class Latencies {
  private readonly counts = new Uint32Array(MOST + 1);
  private count = 0;
  private max = 0;

  record(ms: number): void {
    const tenths = Math.min(MOST, Math.max(0, Math.round(ms * PER_MS)));
    this.counts[tenths] = (this.counts[tenths] ?? 0) + 1;
    this.count += 1;
    this.max = Math.max(this.max, tenths);
  }

  summary(): LatencySummary {
    return {
      count: this.count,
      p50: this.percentile(0.5),
      p99: this.percentile(0.99),
      max: this.max / PER_MS,
    };
  }

  private percentile(share: number): number {
    const rank = Math.ceil(this.count * share);
    let below = 0;
    for (let tenths = 0; tenths <= this.max; tenths += 1) {
      below += this.counts[tenths] ?? 0;
      if (below >= rank) return tenths / PER_MS;
    }
    return 0;
  }
}
