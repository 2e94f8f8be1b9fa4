import { Injectable } from '@nestjs/common';
import { growingCache } from '../../growing-cache.js';
import { PeriodicWorker } from '../../scheduling/periodic.worker.js';
import { ServiceKeyStore } from './service-key.store.js';

const EVERY_MS = 1_000;
/** A key's use is written at most this often by a node. */
const PRECISION_MS = 60_000;
/** Keys that a node remembers, as many as ServiceKeysService does. */
const MAX_KEYS = 10_000;

/**
 * Writes when each service key was used last, for people who want to know which keys nobody needs. One statement for all keys of a second,
 * and never on a request's path. What is lost with the node, or while PostgreSQL is away, does no harm: the next use is written.
 */
@Injectable()
export class ServiceKeyUsageWorker extends PeriodicWorker {
  /** By the id of the key: when it was used, if that is to be written. */
  private used = new Map<string, Date>();
  private readonly written = growingCache<true>(MAX_KEYS, PRECISION_MS);

  constructor(private readonly store: ServiceKeyStore) {
    super({ log: 'keys', everyMs: EVERY_MS });
  }

  /** The key was used now. Costs two look-ups in memory. */
  record(id: string): void {
    if (this.used.has(id) || this.written.has(id) || this.used.size >= MAX_KEYS) return;
    this.used.set(id, new Date());
  }

  protected async runOnce(): Promise<void> {
    if (this.used.size === 0) return;
    const { used } = this;
    this.used = new Map();
    await this.store.recordUse(used);
    for (const id of used.keys()) this.written.set(id, true);
  }
}
