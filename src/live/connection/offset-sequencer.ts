/**
 * Puts one device's durable events into the order of their offsets. They come over several connections to PostgreSQL and
 * Redis, so a later offset may come first; it then waits until every offset before it has come.
 */
export class OffsetSequencer<T> {
  /** Made when the first event comes too early: most devices never need it, and there are many devices. */
  private early: Map<number, T> | undefined;

  /** `last` is the newest offset that the device has. */
  constructor(private last: number) {}

  /** The newest offset up to which the device was sent everything. */
  get position(): number {
    return this.last;
  }

  /** How many events wait for one before them. */
  get waiting(): number {
    return this.early?.size ?? 0;
  }

  /**
   * Returns what may be sent now, in order: nothing for a known offset or behind a gap, several when this one closed a
   * gap.
   */
  add(offset: number, item: T): T[] {
    if (offset <= this.last) return [];
    if (offset > this.last + 1) {
      (this.early ??= new Map()).set(offset, item);
      return [];
    }
    this.last = offset;
    return this.early?.size ? [item, ...this.takeNext()] : [item];
  }

  /** The device was sent everything up to `offset` by a replay or a snapshot. Returns what may follow it now. */
  skipTo(offset: number): T[] {
    this.last = Math.max(this.last, offset);
    for (const early of this.early?.keys() ?? []) {
      if (early <= this.last) this.early?.delete(early);
    }
    return this.takeNext();
  }

  private takeNext(): T[] {
    const items: T[] = [];
    const { early } = this;
    if (!early) return items;
    for (let item = early.get(this.last + 1); item !== undefined; item = early.get(this.last + 1)) {
      this.last += 1;
      early.delete(this.last);
      items.push(item);
    }
    return items;
  }
}
