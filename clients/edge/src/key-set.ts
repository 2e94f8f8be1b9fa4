import { type CryptoKey, importJWK, type JWK } from 'jose';
import { LeaseRefused } from './errors.js';
import { ANSWER_MS } from './options.js';

/** Usher publishes a key a day before it signs with it. */
const REFRESH_MS = 3_600_000;
/** An unknown key id may be a key that was made since, or a forgery: ask for it this often at most. */
const COOLDOWN_MS = 5_000;

/**
 * The published keys, fetched rarely and kept: when Usher cannot be reached, the ones that are known stay good, so that leases
 * can be checked offline.
 */
export class KeySet {
  private keys: ReadonlyMap<string, CryptoKey> = new Map();
  private fetchedAt = -Infinity;
  private triedAt = -Infinity;
  private fetching: Promise<void> | undefined;

  constructor(
    private readonly url: string,
    private readonly now: () => number,
  ) {}

  /** Undefined when Usher knows no such key. Throws LeaseRefused unverifiable while nobody can say. */
  async find(kid: string): Promise<CryptoKey | undefined> {
    const known = this.keys.get(kid);
    const old = this.now() - this.fetchedAt > REFRESH_MS;
    if (known && !old) return known;
    await this.refresh().catch((error: unknown) => {
      if (!known && this.fetchedAt < this.triedAt) throw new LeaseRefused('unverifiable', { cause: error });
    });
    return this.keys.get(kid) ?? known;
  }

  private refresh(): Promise<void> {
    if (this.fetching) return this.fetching;
    if (this.now() - this.triedAt < COOLDOWN_MS) {
      return this.fetchedAt < this.triedAt
        ? Promise.reject(new Error('not tried again yet'))
        : Promise.resolve();
    }
    this.triedAt = this.now();
    this.fetching = this.fetchKeys().finally(() => (this.fetching = undefined));
    return this.fetching;
  }

  private async fetchKeys(): Promise<void> {
    const response = await fetch(new URL('/.well-known/jwks.json', this.url), {
      signal: AbortSignal.timeout(ANSWER_MS),
      redirect: 'error',
    });
    if (!response.ok) throw new Error(`the key set answered ${response.status}`);
    const { keys } = (await response.json()) as { keys: JWK[] };
    const usable = keys.filter(({ kty, crv, kid }) => kty === 'OKP' && crv === 'Ed25519' && kid);
    const imported = await Promise.all(
      usable.map(async (jwk) => [String(jwk.kid), (await importJWK(jwk, 'EdDSA')) as CryptoKey] as const),
    );
    this.keys = new Map(imported);
    this.fetchedAt = this.now();
  }
}
