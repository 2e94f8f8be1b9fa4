/*
 * Latencies in microseconds, counted in buckets of at most 1.6 % width, so that recording one costs nanoseconds and the memory
 * is the same for ten values and ten million.
 */
const FINE = 64;

export class Histogram {
  counts = new Uint32Array(40 * FINE);
  total = 0;
  max = 0;

  add(microseconds) {
    const value = Math.max(0, Math.round(microseconds));
    this.counts[bucket(value)] += 1;
    this.total += 1;
    if (value > this.max) this.max = value;
  }

  /** The value below which this share (0 to 1) of all lies; 0 when nothing was recorded. */
  percentile(share) {
    const wanted = Math.ceil(this.total * share);
    let seen = 0;
    for (let index = 0; index < this.counts.length; index += 1) {
      seen += this.counts[index];
      if (seen >= wanted && seen > 0) return Math.min(this.max, upperEnd(index));
    }
    return this.max;
  }

  summary() {
    return { count: this.total, p50: this.percentile(0.5), p99: this.percentile(0.99), max: this.max };
  }
}

function bucket(value) {
  if (value < FINE) return value;
  const exponent = Math.floor(Math.log2(value)) - 6; // 64 … 127 is exponent 0
  return Math.min((exponent + 1) * FINE + Math.floor(value / 2 ** exponent) - FINE, 40 * FINE - 1);
}

function upperEnd(index) {
  if (index < FINE) return index;
  const exponent = Math.floor(index / FINE) - 1;
  return ((index % FINE) + FINE + 1) * 2 ** exponent - 1;
}
