/** What a device's live stream does with a durable event. */
export type Verdict = 'send' | 'known' | 'hole';

/**
 * The order of offsets on one device. Commits are told by different connections and nodes, so a later offset may be told
 * first; it waits until what is before it came, from wherever.
 */
export class OffsetSequencer<T> {
  /** Made when the first event comes too early: most devices never need it, and there are many. */
  private ahead: Map<number, T> | undefined;

  /** `last` is the offset up to which the device has been told. */
  constructor(private last: number) {}

  get position(): number {
    return this.last;
  }

  get waiting(): number {
    return this.ahead?.size ?? 0;
  }

  /** What may be sent now, in order: nothing while there is a hole before it, more than one when it filled a hole. */
  admit(offset: number, item: T): T[] {
    if (offset <= this.last) return [];
    if (offset > this.last + 1) {
      (this.ahead ??= new Map()).set(offset, item);
      return [];
    }
    this.last = offset;
    return this.ahead?.size ? [item, ...this.next()] : [item];
  }

  /** The device was told everything up to `offset` in another way (a replay or a snapshot). Answers what may follow. */
  caughtUp(offset: number): T[] {
    this.last = Math.max(this.last, offset);
    for (const offsetAhead of this.ahead?.keys() ?? []) {
      if (offsetAhead <= this.last) this.ahead?.delete(offsetAhead);
    }
    return this.next();
  }

  private next(): T[] {
    const freed: T[] = [];
    const { ahead } = this;
    if (!ahead) return freed;
    for (let item = ahead.get(this.last + 1); item !== undefined; item = ahead.get(this.last + 1)) {
      this.last += 1;
      ahead.delete(this.last);
      freed.push(item);
    }
    return freed;
  }
}
