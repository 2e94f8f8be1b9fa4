import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import type { LeaseClaims } from '../leases/lease.js';
import {
  currentKey,
  nextActiveFrom,
  expiredKeys,
  encryptPrivateKey,
  decryptPrivateKey,
  rotationIsDue,
} from './lease-key.js';
import { LeaseKeyStore, type StoredLeaseKey, type StoredLeaseKeys } from './lease-key.store.js';

/**
 * How often each node reads the keys. A new key signs at least a day after its publication, so every node has read it
 * by then.
 */
const REFRESH_EVERY_MS = 2_000;
/** The first key is active for every node at once, also for one whose clock is behind because PostgreSQL answered late. Nothing was signed before it. */
const FIRST_KEY_HEAD_START_MS = 60_000;
const ALGORITHM = 'EdDSA';

interface SigningKey {
  readonly kid: string;
  readonly publicKey: JWK;
  /**
   * Undefined when none of this node's secrets decrypts it: the key is published all the same, and the key before it
   * goes on signing.
   */
  readonly privateKey: Awaited<ReturnType<typeof importJWK>> | undefined;
  readonly activeFrom: number;
}

/**
 * Signs leases and rotates the keys for that: one key signs, its successor is published at least a day before it takes
 * over, and a replaced key is published until all its leases have expired. The keys are stored in PostgreSQL, created
 * by whichever node is first, and every node has them in memory, so that it can sign during an outage. The time is
 * PostgreSQL's: one node whose clock is 40 days ahead would delete the key that signs for all others.
 */
@Injectable()
export class LeaseSignerService extends PeriodicWorker implements OnModuleInit {
  private keys: readonly SigningKey[] = [];
  /** PostgreSQL's time when the keys were read last, and the monotonic time at which it came, in ms. */
  private clock = { time: 0, readAt: 0 };

  constructor(
    private readonly store: LeaseKeyStore,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
    metrics: MetricsService,
  ) {
    super({ log: 'leases', everyMs: REFRESH_EVERY_MS });
    metrics.gauge(
      'lease_key_age_seconds',
      'Since the key took over with which this node signs leases. Older than the rotation by days: new keys are not taken over.',
      'max',
      () => (this.now - (this.signer?.activeFrom ?? this.now)) / 1_000,
    );
    metrics.gauge(
      'lease_key_rotation_seconds',
      'After which a key that signs leases should be replaced (`LEASE_KEY_DAYS`).',
      'max',
      () => config.LEASE_KEY_DAYS * 86_400,
    );
    metrics.gauge(
      'clock_difference_seconds',
      'By how much the clock of this node is ahead of that of PostgreSQL; negative: behind.',
      'max',
      () => (Date.now() - this.now) / 1_000,
    );
  }

  /** Reads the keys before this node accepts calls. Throws when none of this node's secrets decrypts a key that may sign. */
  async onModuleInit(): Promise<void> {
    await this.runOnce();
    if (!this.signer) {
      throw new Error(
        'LEASE_KEY_SECRET does not open the key that signs leases: append the secret that it was encrypted under, after the new one and a comma.',
      );
    }
    this.start();
  }

  /**
   * The public keys as a JSON Web Key Set (RFC 7517): the one that signs, the next, and those whose leases may still be
   * valid.
   */
  get published(): { keys: JWK[] } {
    return { keys: this.keys.map(({ publicKey }) => publicKey) };
  }

  /** Returns the lease as a signed JWT. `iat` and `exp` are in seconds since 1970. */
  sign(claims: LeaseClaims, { iat, exp }: { iat: number; exp: number }): Promise<string> {
    const key = this.signer;
    if (!key?.privateKey) throw new Error('there is no signing key');
    return new SignJWT({ ...claims, iat, exp })
      .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: 'JWT' })
      .sign(key.privateKey);
  }

  /** PostgreSQL's time, in ms since 1970; while that is away, as it went on since. */
  get now(): number {
    return this.clock.time + monotonicNow() - this.clock.readAt;
  }

  private get signer(): SigningKey | undefined {
    return currentKey(
      this.keys.filter(({ privateKey }) => privateKey !== undefined),
      this.now,
    );
  }

  /** Reads the keys; creates missing ones and removes expired ones. */
  protected async runOnce(): Promise<void> {
    const { now, keys } = await this.store.read();
    this.clock = { time: now, readAt: monotonicNow() };
    const stored = rotationIsDue(keys, now)
      ? await this.database.transaction('critical', (tx) => this.rotate(tx))
      : keys;
    const known = new Map(this.keys.map((key) => [key.kid, key]));
    this.keys = await Promise.all(stored.map((key) => this.importKey(key, known.get(key.kid))));
  }

  /** One node at a time, under a lock; a node that waited for the lock finds nothing left to do. Returns all keys. */
  private async rotate(tx: Transaction): Promise<StoredLeaseKeys['keys']> {
    await this.store.lock(tx);
    const { now, keys: stored } = await this.store.read(tx);
    if (!currentKey(stored, now))
      await this.store.add(tx, await this.createKey(now - FIRST_KEY_HEAD_START_MS));
    if (!stored.some(({ activeFrom }) => activeFrom > now)) {
      const since = currentKey(stored, now)?.activeFrom ?? now;
      await this.store.add(tx, await this.createKey(nextActiveFrom(since, this.config.LEASE_KEY_DAYS, now)));
      this.log.log('created the next key that signs leases');
    }
    const expired = expiredKeys(stored, now).map(({ kid }) => kid);
    if (expired.length > 0) await this.store.remove(tx, expired);
    return (await this.store.read(tx)).keys;
  }

  private async createKey(activeFrom: number): Promise<StoredLeaseKey> {
    const pair = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true });
    const { kty, crv, x } = await exportJWK(pair.publicKey);
    const { d } = await exportJWK(pair.privateKey);
    if (!d || !x) throw new Error('an Ed25519 key has both parts');
    const kid = await calculateJwkThumbprint({ kty, crv, x } as JWK);
    const publicKey = { kty, crv, x, kid, alg: ALGORITHM, use: 'sig' };
    return { kid, publicKey, privateKey: encryptPrivateKey(d, this.config.LEASE_KEY_SECRET), activeFrom };
  }

  /** Returns the key ready to sign; one that was imported before is not imported again. */
  private async importKey(
    { kid, publicKey, privateKey, activeFrom }: StoredLeaseKey,
    known: SigningKey | undefined,
  ): Promise<SigningKey> {
    if (known) return { ...known, activeFrom };
    const d = decryptPrivateKey(privateKey, this.config.LEASE_KEY_SECRET);
    const jwk = publicKey as JWK;
    if (d === undefined) this.log.warn(`LEASE_KEY_SECRET does not open the key ${kid}`);
    const imported = d === undefined ? undefined : await importJWK({ ...jwk, d }, ALGORITHM);
    return { kid, publicKey: jwk, privateKey: imported, activeFrom };
  }
}
