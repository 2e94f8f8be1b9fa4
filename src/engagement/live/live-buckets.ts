/** Whose buckets somebody watches; `*`: all. */
export interface LiveScope {
  readonly team: string;
  readonly campaign: string;
}

/** How often one kind of thing was done within a minute, as of a version of the roll-ups. */
export interface LiveCount {
  /** Where the minute begins; ISO 8601. */
  readonly at: string;
  readonly kind: string;
  readonly people: number;
  readonly machines: number;
  readonly version: number;
}

/** A minute as viewers get it. The counts are absolute: one that comes again replaces what was there. */
export interface LiveBucket {
  readonly at: string;
  readonly counts: readonly Omit<LiveCount, 'at' | 'version'>[];
}

/** The minutes of one scope that viewers see, kept by the node so that any number of viewers cost one query. */
export class LiveBuckets {
  private readonly counts = new Map<string, LiveCount>();

  /** `version`: of the roll-ups; whatever changes later has a higher one. */
  constructor(
    counts: readonly LiveCount[],
    private newest: number,
  ) {
    this.merge(counts, newest);
  }

  /** The version up to which everything is known. */
  get version(): number {
    return this.newest;
  }

  /** Takes counts that have changed. */
  merge(counts: readonly LiveCount[], version: number): void {
    for (const count of counts) this.counts.set(`${count.at} ${count.kind}`, count);
    this.newest = Math.max(this.newest, version);
  }

  /** Forgets minutes that began before this instant (ISO 8601). */
  forgetBefore(at: string): void {
    for (const [key, count] of this.counts) if (count.at < at) this.counts.delete(key);
  }

  /** Returns what has changed since the version, in the order of time; everything for one that is not of these roll-ups. */
  changedSince(version: number): LiveBucket[] {
    const since = version > this.newest ? 0 : version;
    return toBuckets([...this.counts.values()].filter((count) => count.version > since));
  }
}

/** Returns the counts by minute, in the order of time. */
export function toBuckets(counts: readonly LiveCount[]): LiveBucket[] {
  const byMinute = new Map<string, LiveBucket['counts'][number][]>();
  for (const { at, kind, people, machines } of counts) {
    const its = byMinute.get(at) ?? [];
    its.push({ kind, people, machines });
    byMinute.set(at, its);
  }
  return [...byMinute].map(([at, its]) => ({ at, counts: its })).toSorted((a, b) => (a.at < b.at ? -1 : 1));
}
