import { Inject, Injectable } from '@nestjs/common';
import type { LRUCache } from 'lru-cache';
import type { Counter } from 'prom-client';
import type { AuditContext, AuditedAct } from '../../audit/audit-entry.js';
import { AuditService } from '../../audit/audit.service.js';
import { CONFIG, type Config } from '../../config/config.js';
import { growingCache } from '../../growing-cache.js';
import { pageOf } from '../../http/cursor.schema.js';
import { Problem } from '../../http/problem.js';
import { MetricsService } from '../../metrics/metrics.service.js';
import { isOutage } from '../../postgres/outage.js';
import { OutageAwareTimeout } from '../../postgres/outage-aware-timeout.js';
import { withTimeout } from '../../scheduling/timeout.js';
import { monotonicNow } from '../../scheduling/monotonic.js';
import { KeyedRateLimiter } from '../../rate-limits/keyed-rate-limiter.js';
import { TokenBucket } from '../../rate-limits/token-bucket.js';
import {
  hashesEqual,
  hashServiceKey,
  newServiceKey,
  SCOPES,
  type Scope,
  type ServiceIdentity,
  serviceKeyId,
} from './service-key.js';
import { type DescribedServiceKey, ServiceKeyStore } from './service-key.store.js';
import { ServiceKeyUsageWorker } from './service-key-usage.worker.js';
import type { NewServiceKeyBody, ServiceKeysQuery } from './service-keys.schema.js';

const SERVICE_KEY_ID = /^[A-Za-z0-9]{16}$/;
/** The id of ADMIN_KEY, which is not in the table. */
const BOOTSTRAP_ID = 'bootstrap';
/** Keys that a node remembers. */
const MAX_KEYS = 10_000;
/** How long a revocation on another node may take to reach this one. */
const CACHE_MS = 2_000;

/** Timeout for reading a key that this node does not know. */
const UNKNOWN_KEY_TIMEOUT_MS = 5_000;
/** Timeout for a key that this node can fall back on; the shorter one during an outage of PostgreSQL. */
const KNOWN_KEY_TIMEOUT_MS = 1_500;
const OUTAGE_TIMEOUT_MS = 100;

/**
 * Lookups a second of ids that this node never saw. Ids cost nothing to invent, and each would cost a query. Those that are unknown use up
 * what is their address's, so that a stranger keeps nobody else's key from being found; keys that this node knows are looked up all the same.
 */
const UNKNOWN_IDS_PER_ADDRESS = { rate: 5, burst: 50 };
const NEW_IDS_PER_SECOND = 500;

interface KnownKey {
  readonly identity: ServiceIdentity;
  readonly hash: Uint8Array;
  /** Unix time in ms; infinite for a key that does not end by itself. */
  readonly endsAt: number;
}

/** A new key, as its creator gets it once. */
export interface CreatedServiceKey {
  readonly id: string;
  readonly key: string;
  readonly scopes: readonly Scope[];
  /** ISO 8601. */
  readonly expiresAt?: string;
}

/** Creates, revokes and checks the keys of back offices and edge nodes. */
@Injectable()
export class ServiceKeysService {
  private readonly adminKeyHash: Uint8Array | undefined;
  private readonly cache = growingCache<KnownKey>(MAX_KEYS, CACHE_MS);
  /** Ids that are not in the table. They are forgotten soon, since a key may be created on another node. */
  private readonly unknown = growingCache<true>(MAX_KEYS, CACHE_MS);
  /** By the id of the key. */
  private readonly underWay = new Map<string, Promise<KnownKey | undefined>>();
  private readonly unknownIds = new KeyedRateLimiter(
    UNKNOWN_IDS_PER_ADDRESS.rate,
    UNKNOWN_IDS_PER_ADDRESS.burst,
  );
  private readonly newIds = new TokenBucket(NEW_IDS_PER_SECOND, NEW_IDS_PER_SECOND, monotonicNow(), 0);
  private readonly lookups: Counter;
  /** Keys as they were read last, used only while PostgreSQL is down: edge nodes must be able to renew running streams then. */
  private readonly lastKnown: LRUCache<string, KnownKey>;
  private readonly knownKeyTimeout = new OutageAwareTimeout(OUTAGE_TIMEOUT_MS);

  constructor(
    private readonly store: ServiceKeyStore,
    private readonly usage: ServiceKeyUsageWorker,
    private readonly audit: AuditService,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    this.lookups = metrics.counter(
      'service_key_lookups_total',
      'Service keys read from PostgreSQL, each known one every two seconds. It grows by 50 a second: somebody tries invented keys.',
    );
    this.adminKeyHash = config.ADMIN_KEY === undefined ? undefined : hashServiceKey(config.ADMIN_KEY);
    const ttl = 1_000 * (config.GRACE_SECONDS + config.LEASE_SECONDS);
    this.lastKnown = growingCache(MAX_KEYS, ttl);
  }

  /**
   * Returns the key's identity; undefined when the key is unknown, revoked or expired. Throws when PostgreSQL is down and the key not
   * known, and Problem rate_limited when too many unknown ones are tried, from this address (networkOf) or at all.
   */
  async identify(key: string, address: string): Promise<ServiceIdentity | undefined> {
    const hash = hashServiceKey(key);
    if (this.adminKeyHash && hashesEqual(hash, this.adminKeyHash))
      return { id: BOOTSTRAP_ID, name: 'ADMIN_KEY', scopes: SCOPES };
    const id = serviceKeyId(key);
    if (id === undefined || this.unknown.has(id)) return undefined;
    const found = this.cache.get(id) ?? (await this.find(id, address));
    if (!found || !hashesEqual(hash, found.hash) || found.endsAt <= Date.now()) return undefined;
    this.usage.record(id);
    return found.identity;
  }

  /** Returns those of the ids whose keys are valid now, read from PostgreSQL and not from the cache. */
  async filterValid(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const stored = ids.filter((id) => id !== BOOTSTRAP_ID);
    const valid = stored.length === 0 ? [] : await this.store.filterValid(stored);
    return new Set(ids.includes(BOOTSTRAP_ID) ? [...valid, BOOTSTRAP_ID] : valid);
  }

  /** Creates a key. It is in the returned value only, and cannot be read again. Throws Problem invalid_request for an end in the past. */
  async create(
    { name, expiresAt, ...body }: NewServiceKeyBody,
    by: AuditContext,
  ): Promise<CreatedServiceKey> {
    const end = expiresAt === undefined ? null : new Date(expiresAt);
    if (end && end.getTime() <= Date.now()) throw new Problem('invalid_request', 'expiresAt: is in the past');
    const scopes = [...new Set(body.scopes)];
    const ending = end && { expiresAt: end.toISOString() };
    const { id, key, hash } = newServiceKey();
    await this.audit.transaction('important', by, async (tx) => {
      await this.store.add(tx, { id, name, scopes, hash, expiresAt: end });
      return {
        outcome: undefined,
        acts: [{ ...actOn('key.create', id), after: { name, scopes, ...ending } }],
      };
    });
    this.unknown.delete(id);
    return { id, key, scopes, ...ending };
  }

  /** Returns the keys, the newest first, without their secrets; `next` is the `before` of the next page. */
  async list({ before, limit }: ServiceKeysQuery): Promise<{ keys: DescribedServiceKey[]; next?: string }> {
    const rows = await this.store.list(before, limit + 1);
    const { page, ...next } = pageOf(rows, limit, ({ createdAt, id }) => [createdAt, id]);
    return { keys: page, ...next };
  }

  /** Returns the key without its secret. Throws Problem not_found. */
  async describe(id: string): Promise<DescribedServiceKey> {
    const key = SERVICE_KEY_ID.test(id) ? await this.store.describe(id) : undefined;
    if (!key) throw new Problem('not_found', 'There is no such key.');
    return key;
  }

  /** Returns false when there is no such key, or it was revoked before. Other nodes refuse the key within 2 s. */
  async revoke(id: string, by: AuditContext): Promise<boolean> {
    if (!SERVICE_KEY_ID.test(id)) return false;
    const revoked = await this.audit.transaction('important', by, async (tx) => {
      const key = await this.store.revoke(tx, id);
      return { outcome: key !== undefined, acts: key ? [{ ...actOn('key.revoke', id), before: key }] : [] };
    });
    this.cache.delete(id);
    this.lastKnown.delete(id);
    return revoked;
  }

  private timeoutFor(id: string): number {
    return this.lastKnown.has(id)
      ? this.knownKeyTimeout.timeoutMs(KNOWN_KEY_TIMEOUT_MS)
      : UNKNOWN_KEY_TIMEOUT_MS;
  }

  /** Calls that come with one key at once are one lookup. */
  private find(id: string, address: string): Promise<KnownKey | undefined> {
    let lookup = this.underWay.get(id);
    if (lookup === undefined) {
      lookup = this.load(id, address).finally(() => this.underWay.delete(id));
      this.underWay.set(id, lookup);
    }
    return lookup;
  }

  private async load(id: string, address: string): Promise<KnownKey | undefined> {
    const isNew = !this.lastKnown.has(id);
    if (isNew && !(this.unknownIds.take(address) && this.newIds.take(monotonicNow())))
      throw new Problem('rate_limited', 'Too many unknown service keys.', { retryAfterMs: 1_000 });
    this.lookups.inc();
    try {
      const row = await withTimeout(this.timeoutFor(id), this.store.find(id));
      this.knownKeyTimeout.recordSuccess();
      if (row && isNew) this.unknownIds.giveBack(address);
      const key = row && {
        identity: { id: row.id, name: row.name, scopes: row.scopes },
        hash: row.hash,
        endsAt: row.expiresAt?.getTime() ?? Infinity,
      };
      if (key) this.cache.set(id, key);
      if (key) this.lastKnown.set(id, key);
      else {
        this.lastKnown.delete(id);
        this.unknown.set(id, true);
      }
      return key;
    } catch (error) {
      if (isNew) this.unknownIds.giveBack(address);
      const last = this.lastKnown.get(id);
      if (!last || !isOutage(error)) throw error;
      this.knownKeyTimeout.recordOutage();
      return last;
    }
  }
}

const actOn = (action: AuditedAct['action'], id: string): AuditedAct => ({
  action,
  target: { kind: 'key', id },
  result: 'done',
});
