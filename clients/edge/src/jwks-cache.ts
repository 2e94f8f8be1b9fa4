import { type CryptoKey, importJWK, type JWK } from 'jose';
import { LeaseRefused } from './errors.js';
import { REQUEST_TIMEOUT_MS } from './options.js';

/** Usher publishes a key at least a day before it signs with it. */
const MAX_AGE_MS = 3_600_000;
/** An unknown key id may be a new key, or a forgery that must not cause a request each time. */
const MIN_FETCH_INTERVAL_MS = 5_000;

/** Usher's public keys. While Usher cannot be reached the known keys stay valid, so that leases can be verified offline. */
export class JwksCache {
  private keys: ReadonlyMap<string, CryptoKey> = new Map();
  private fetchedAt = -Infinity;
  private attemptedAt = -Infinity;
  private fetching: Promise<void> | undefined;

  constructor(
    private readonly url: string,
    private readonly now: () => number,
  ) {}

  /** Returns undefined if Usher has no such key. Throws LeaseRefused `unverifiable` if the keys cannot be fetched. */
  async getKey(kid: string): Promise<CryptoKey | undefined> {
    const known = this.keys.get(kid);
    const isFresh = this.now() - this.fetchedAt <= MAX_AGE_MS;
    if (known && isFresh) return known;
    await this.refresh().catch((error: unknown) => {
      if (!known && this.hasLastAttemptFailed) throw new LeaseRefused('unverifiable', { cause: error });
    });
    return this.keys.get(kid);
  }

  private get hasLastAttemptFailed(): boolean {
    return this.fetchedAt < this.attemptedAt;
  }

  private refresh(): Promise<void> {
    if (this.fetching) return this.fetching;
    if (this.now() - this.attemptedAt < MIN_FETCH_INTERVAL_MS) {
      return this.hasLastAttemptFailed
        ? Promise.reject(new Error('the last attempt failed a moment ago'))
        : Promise.resolve();
    }
    this.attemptedAt = this.now();
    this.fetching = this.fetchKeys().finally(() => (this.fetching = undefined));
    return this.fetching;
  }

  private async fetchKeys(): Promise<void> {
    const response = await fetch(new URL('/.well-known/jwks.json', this.url), {
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      redirect: 'error',
    });
    if (!response.ok) throw new Error(`the key set returned ${response.status}`);
    const { keys } = (await response.json()) as { keys: JWK[] };
    const usable = keys.filter(({ kty, crv, kid }) => kty === 'OKP' && crv === 'Ed25519' && kid);
    const imported = await Promise.all(
      usable.map(async (jwk) => [String(jwk.kid), (await importJWK(jwk, 'EdDSA')) as CryptoKey] as const),
    );
    this.keys = new Map(imported);
    this.fetchedAt = this.now();
  }
}
