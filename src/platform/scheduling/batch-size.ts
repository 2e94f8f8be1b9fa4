/** Between which sizes a batch may vary, and how long one may take. */
export interface BatchSizeOptions {
  readonly min: number;
  readonly max: number;
  /** Milliseconds. A batch that took longer is followed by one of half the size; one that took less than a quarter of it, by one of twice the size. */
  readonly slowMs: number;
}

/**
 * How many rows the next batch takes, by how long the last one took: rows cost a hundred times as much when nobody has read them for long, or
 * the machine is busy, and a batch holds locks until its end. Begins with the smallest.
 */
export class BatchSize {
  private size: number;

  constructor(private readonly options: BatchSizeOptions) {
    this.size = options.min;
  }

  /** Rows in the next batch. */
  get current(): number {
    return this.size;
  }

  /** Records how long a batch of the current size took, in milliseconds. */
  record(tookMs: number): void {
    const { min, max, slowMs } = this.options;
    if (tookMs > slowMs) this.size = Math.max(min, Math.floor(this.size / 2));
    else if (tookMs < slowMs / 4) this.size = Math.min(max, this.size * 2);
  }
}
