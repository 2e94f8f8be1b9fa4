import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Loop } from '../../platform/scheduling/loop.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import type { LeaseClaims } from '../leases/lease.js';
import { currentKey, nextActiveFrom, expiredKeys, sealPrivateKey, unsealPrivateKey } from './lease-key.js';
import { LeaseKeyStore, type StoredLeaseKey } from './lease-key.store.js';

/** A new key signs a day after it was published at the earliest: there is ample time to learn it. */
const LEARN_EVERY_MS = 2_000;
const ALGORITHM = 'EdDSA';

interface SigningKey {
  readonly kid: string;
  readonly publicKey: JWK;
  /** Undefined when none of this node's secrets opens it: then it is published, and the one before it goes on signing. */
  readonly privateKey: Awaited<ReturnType<typeof importJWK>> | undefined;
  readonly activeFrom: number;
}

/**
 * The keys that sign leases: one signs, the next is published long before it does, the last until nothing it signed is valid.
 * They are in PostgreSQL, made by whichever node is first; every node has them in memory, and can sign while it is away.
 */
@Injectable()
export class LeaseKeysService implements OnModuleInit, OnApplicationShutdown {
  private readonly log = new Logger('leases');
  private keys: readonly SigningKey[] = [];
  private readonly loop = new Loop(
    LEARN_EVERY_MS,
    () => this.refresh(),
    (error) => this.log.warn(`will try again: ${String(error)}`),
  );

  constructor(
    private readonly store: LeaseKeyStore,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Before the doors open, so that no node signs with a key that another does not know. */
  async onModuleInit(): Promise<void> {
    await this.refresh();
    if (!this.signer) {
      throw new Error(
        'LEASE_KEY_SECRET does not open the key that signs leases: set the one that sealed it, after the new one and a comma.',
      );
    }
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  /** The public keys, as RFC 7517 has them: the one that signs, the next, and those whose leases may still be valid. */
  get published(): { keys: JWK[] } {
    return { keys: this.keys.map(({ publicKey }) => publicKey) };
  }

  sign(claims: LeaseClaims, { iat, exp }: { iat: number; exp: number }): Promise<string> {
    const key = this.signer;
    if (!key?.privateKey) throw new Error('there is no signing key');
    return new SignJWT({ ...claims, iat, exp })
      .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: 'JWT' })
      .sign(key.privateKey);
  }

  private get signer(): SigningKey | undefined {
    return currentKey(
      this.keys.filter(({ privateKey }) => privateKey !== undefined),
      Date.now(),
    );
  }

  /** Reads the keys; makes what is missing and removes what nobody needs any more. */
  private async refresh(): Promise<void> {
    let stored = await this.store.read();
    if (this.isDue(stored)) stored = await this.database.transaction('critical', (tx) => this.rotate(tx));
    const known = new Map(this.keys.map((key) => [key.kid, key]));
    this.keys = await Promise.all(stored.map((key) => this.opened(key, known.get(key.kid))));
  }

  private isDue(stored: readonly StoredLeaseKey[]): boolean {
    const now = Date.now();
    return (
      !currentKey(stored, now) ||
      !stored.some(({ activeFrom }) => activeFrom > now) ||
      expiredKeys(stored, now).length > 0
    );
  }

  /** One node at a time; whoever comes second finds it done. */
  private async rotate(tx: Transaction): Promise<StoredLeaseKey[]> {
    await this.store.lock(tx);
    const stored = await this.store.read(tx);
    const now = Date.now();
    if (!currentKey(stored, now)) await this.store.add(tx, await this.make(now));
    if (!stored.some(({ activeFrom }) => activeFrom > now)) {
      const since = currentKey(stored, now)?.activeFrom ?? now;
      await this.store.add(tx, await this.make(nextActiveFrom(since, this.config.LEASE_KEY_DAYS, now)));
      this.log.log('made the next key that signs leases');
    }
    const old = expiredKeys(stored, now).map(({ kid }) => kid);
    if (old.length > 0) await this.store.remove(tx, old);
    return this.store.read(tx);
  }

  private async make(activeFrom: number): Promise<StoredLeaseKey> {
    const pair = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true });
    const { kty, crv, x } = await exportJWK(pair.publicKey);
    const { d } = await exportJWK(pair.privateKey);
    if (!d || !x) throw new Error('an Ed25519 key has both parts');
    const kid = await calculateJwkThumbprint({ kty, crv, x } as JWK);
    const publicKey = { kty, crv, x, kid, alg: ALGORITHM, use: 'sig' };
    return { kid, publicKey, privateKey: sealPrivateKey(d, this.config.LEASE_KEY_SECRET), activeFrom };
  }

  /** A key that was opened before is not opened again. */
  private async opened(
    { kid, publicKey, privateKey, activeFrom }: StoredLeaseKey,
    before: SigningKey | undefined,
  ): Promise<SigningKey> {
    if (before) return { ...before, activeFrom };
    const d = unsealPrivateKey(privateKey, this.config.LEASE_KEY_SECRET);
    const jwk = publicKey as JWK;
    if (d === undefined) this.log.warn(`LEASE_KEY_SECRET does not open the key ${kid}`);
    const opened = d === undefined ? undefined : await importJWK({ ...jwk, d }, ALGORITHM);
    return { kid, publicKey: jwk, privateKey: opened, activeFrom };
  }
}
