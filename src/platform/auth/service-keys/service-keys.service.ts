import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CONFIG, type Config } from '../../config/config.js';
import { isOutage } from '../../postgres/outage.js';
import { OutageAwareTimeout } from '../../postgres/outage-aware-timeout.js';
import { DeadlineExceeded, withTimeout } from '../../scheduling/timeout.js';
import {
  hashOf,
  newServiceKey,
  SCOPES,
  type Scope,
  sameHash,
  type ServiceIdentity,
  serviceKeyId,
} from './service-key.js';
import { ServiceKeyStore } from './service-key.store.js';

const SERVICE_KEY_ID = /^[A-Za-z0-9]{16}$/;
/** The id of ADMIN_KEY, which is in no table. */
const BOOTSTRAP = 'bootstrap';
/** How long another node's revocation may take to reach this one. */
const CACHE_MS = 2_000;

/** How long a call waits for PostgreSQL: less for a key that is remembered, and least for such a key during an outage. */
const TIMEOUT_MS = 5_000;
const REMEMBERED_TIMEOUT_MS = 1_500;
const OUTAGE_TIMEOUT_MS = 100;

interface KnownKey {
  readonly identity: ServiceIdentity;
  readonly hash: Uint8Array;
}

@Injectable()
export class ServiceKeysService {
  private readonly bootstrap: Uint8Array | undefined;
  private readonly known = new LRUCache<string, KnownKey>({ max: 10_000, ttl: CACHE_MS });
  /** What was known last, for while PostgreSQL is away: running streams must be able to renew (CONTRACT §3). */
  private readonly remembered: LRUCache<string, KnownKey>;
  private readonly rememberedTimeout = new OutageAwareTimeout(OUTAGE_TIMEOUT_MS);

  constructor(
    private readonly store: ServiceKeyStore,
    @Inject(CONFIG) config: Config,
  ) {
    this.bootstrap = config.ADMIN_KEY === undefined ? undefined : hashOf(config.ADMIN_KEY);
    const ttl = 1_000 * (config.GRACE_SECONDS + config.LEASE_SECONDS);
    this.remembered = new LRUCache({ max: 10_000, ttl });
  }

  /** Who the key speaks for; undefined when it is unknown or revoked. */
  async identify(key: string): Promise<ServiceIdentity | undefined> {
    const hash = hashOf(key);
    if (this.bootstrap && sameHash(hash, this.bootstrap)) return { id: BOOTSTRAP, scopes: SCOPES };
    const id = serviceKeyId(key);
    const found = id && (this.known.get(id) ?? (await this.read(id)));
    return found && sameHash(hash, found.hash) ? found.identity : undefined;
  }

  /** Which of these keys, by id, may still be used: as PostgreSQL says now, not as remembered. */
  async stillValid(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const stored = ids.filter((id) => id !== BOOTSTRAP);
    const valid = stored.length === 0 ? [] : await this.store.valid(stored);
    return new Set(ids.includes(BOOTSTRAP) ? [...valid, BOOTSTRAP] : valid);
  }

  /** The key is in the answer and nowhere else. */
  async create(name: string, scopes: Scope[]): Promise<{ id: string; key: string; scopes: Scope[] }> {
    const { id, key, hash } = newServiceKey();
    await this.store.add({ id, name, scopes, hash });
    return { id, key, scopes };
  }

  async revoke(id: string): Promise<boolean> {
    if (!SERVICE_KEY_ID.test(id)) return false;
    const revoked = await this.store.revoke(id);
    this.known.delete(id);
    this.remembered.delete(id);
    return revoked;
  }

  private timeoutFor(id: string): number {
    return this.remembered.has(id) ? this.rememberedTimeout.timeoutMs(REMEMBERED_TIMEOUT_MS) : TIMEOUT_MS;
  }

  private async read(id: string): Promise<KnownKey | undefined> {
    try {
      const row = await withTimeout(this.timeoutFor(id), this.store.find(id));
      this.rememberedTimeout.recordSuccess();
      const key = row && { identity: { id: row.id, scopes: row.scopes }, hash: row.hash };
      if (key) this.known.set(id, key);
      if (key) this.remembered.set(id, key);
      else this.remembered.delete(id);
      return key;
    } catch (error) {
      const last = this.remembered.get(id);
      if (!last || !(isOutage(error) || error instanceof DeadlineExceeded)) throw error;
      this.rememberedTimeout.recordOutage();
      return last;
    }
  }
}
