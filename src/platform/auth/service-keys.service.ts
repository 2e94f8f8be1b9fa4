import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CONFIG, type Config } from '../config/config.js';
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
/** How long another node's revocation may take to reach this one. */
const CACHE_MS = 2_000;

@Injectable()
export class ServiceKeys {
  private readonly bootstrap: Uint8Array | undefined;
  private readonly known = new LRUCache<string, { identity: ServiceIdentity; hash: Uint8Array }>({
    max: 10_000,
    ttl: CACHE_MS,
  });

  constructor(
    private readonly store: ServiceKeyStore,
    @Inject(CONFIG) config: Config,
  ) {
    this.bootstrap = config.ADMIN_KEY === undefined ? undefined : hashOf(config.ADMIN_KEY);
  }

  /** Who the key speaks for; undefined when it is unknown or revoked. */
  async identify(key: string): Promise<ServiceIdentity | undefined> {
    const hash = hashOf(key);
    if (this.bootstrap && sameHash(hash, this.bootstrap)) return { id: 'bootstrap', scopes: SCOPES };
    const id = serviceKeyId(key);
    const found = id && (this.known.get(id) ?? (await this.read(id)));
    return found && sameHash(hash, found.hash) ? found.identity : undefined;
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
    return revoked;
  }

  private async read(id: string) {
    const row = await this.store.find(id);
    if (!row) return undefined;
    const entry = { identity: { id: row.id, scopes: row.scopes }, hash: row.hash };
    this.known.set(id, entry);
    return entry;
  }
}
