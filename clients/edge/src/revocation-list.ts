import { LeaseRefused } from './errors.js';
import type { Lease } from './lease.js';

/** Streams and users to remember. If more are stopped, the oldest are evicted, and their leases still expire by themselves. */
const MAX_ENTRIES = 100_000;

/** Leases that must not be served although they have not expired: of stopped streams, and of older membership versions. */
export class RevocationList {
  private readonly stoppedStreams = new BoundedMap<true>(MAX_ENTRIES);
  private readonly newestVersions = new BoundedMap<number>(MAX_ENTRIES);

  addStream(streamId: string): void {
    this.stoppedStreams.set(streamId, true);
  }

  /** Returns false if the version is not newer than the known one. */
  setVersion(userId: string, version: number): boolean {
    if (version <= this.getVersion(userId)) return false;
    this.newestVersions.set(userId, version);
    return true;
  }

  /** Throws LeaseRefused `stopped` or `stale`. */
  check(lease: Lease): void {
    this.checkStream(lease.streamId);
    if (lease.version < this.getVersion(lease.userId)) throw new LeaseRefused('stale');
  }

  /** Throws LeaseRefused `stopped`. */
  checkStream(streamId: string): void {
    if (this.stoppedStreams.has(streamId)) throw new LeaseRefused('stopped');
  }

  private getVersion(userId: string): number {
    return this.newestVersions.get(userId) ?? 0;
  }
}

/** A map that evicts the entry that was set longest ago when it is full. */
class BoundedMap<Value> {
  private readonly entries = new Map<string, Value>();

  constructor(private readonly maxSize: number) {}

  get(key: string): Value | undefined {
    return this.entries.get(key);
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  set(key: string, value: Value): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    const [oldest] = this.entries.keys();
    if (this.entries.size > this.maxSize && oldest !== undefined) this.entries.delete(oldest);
  }
}
