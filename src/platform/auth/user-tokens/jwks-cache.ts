import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import { Problem } from '../../http/problem.js';

const FETCH_TIMEOUT_MS = 3_000;
/** An unknown key id has the keys fetched at most once in this time, so that invented ones do not flood the key server. */
const COOLDOWN_MS = 10_000;
/** The same while there are no keys at all, when no token can be verified. */
const COOLDOWN_WITHOUT_KEYS_MS = 1_000;
/** Keys are used for this long while the key server is away. A signer that withdraws a key expects that to hold within a day. */
const MAX_AGE_MS = 24 * 3_600_000;
/** Unknown key ids that are remembered. */
const MAX_UNKNOWN = 1_000;

/** What a JwksCache needs; `now` is in ms and never steps back. */
export interface JwksCacheOptions {
  readonly url: string;
  readonly now: () => number;
  readonly timeoutMs?: number;
  /** Called after each fetch; `error` is why it failed. */
  readonly onFetch?: (error?: unknown) => void;
}

/**
 * The keys at AUTH_JWKS_URL. Keys that were fetched once are used while the key server is away: a token is invalid only by what the
 * key server said, never because it said nothing, since apps sign their users out for an invalid token.
 */
export class JwksCache {
  private readonly remote: ReturnType<typeof createRemoteJWKSet>;
  private pending: Promise<void> | undefined;
  private triedAt = -Infinity;
  private loadedAt = -Infinity;
  /** When an unknown key id was seen first. It is settled as unknown by a fetch that began after that. */
  private readonly unknown = new LRUCache<string, number>({ max: MAX_UNKNOWN, ttl: 2 * COOLDOWN_MS });

  constructor(private readonly options: JwksCacheOptions) {
    // jose fetches and selects keys. When to fetch is decided here, since jose has no keys at all once its own have expired.
    this.remote = createRemoteJWKSet(new URL(options.url), {
      timeoutDuration: options.timeoutMs ?? FETCH_TIMEOUT_MS,
      cooldownDuration: Infinity,
      cacheMaxAge: Infinity,
    });
  }

  /** Milliseconds since the keys were fetched; Infinity if they never were. */
  get ageMs(): number {
    return this.options.now() - this.loadedAt;
  }

  /** Fetches the keys; calls at the same time share one fetch. Throws when the key server does not respond with keys. */
  refresh(): Promise<void> {
    this.pending ??= this.fetch().finally(() => (this.pending = undefined));
    return this.pending;
  }

  /** The key for a token, for jose. Throws Problem unavailable when it cannot be known, JWKSNoMatchingKey when there is none. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (this.ageMs > MAX_AGE_MS) await this.refreshOr(COOLDOWN_WITHOUT_KEYS_MS);
    if (this.ageMs > MAX_AGE_MS) throw this.unavailable(COOLDOWN_WITHOUT_KEYS_MS);
    try {
      return await this.remote(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.lookFor(header.kid ?? '');
      return this.remote(header, token);
    }
  };

  /** Returns when the keys are known to hold or not to hold this id. Throws Problem unavailable. */
  private async lookFor(keyId: string): Promise<void> {
    const seenAt = this.unknown.get(keyId) ?? this.options.now();
    if (!this.unknown.has(keyId)) this.unknown.set(keyId, seenAt);
    const settled = () => this.loadedAt >= seenAt && this.ageMs < COOLDOWN_MS;
    if (settled()) return;
    await this.refreshOr(COOLDOWN_MS);
    // Not "invalid": the key may be newer than our keys, and the apps that were given it first would sign out.
    if (!settled()) throw this.unavailable(COOLDOWN_MS);
  }

  /** Waits for a fetch if one runs or the last began long enough ago; otherwise returns at once. A failure is not thrown. */
  private async refreshOr(cooldownMs: number): Promise<void> {
    if (this.pending || this.options.now() - this.triedAt >= cooldownMs) await this.refresh().catch(() => {});
  }

  private async fetch(): Promise<void> {
    const startedAt = this.options.now();
    this.triedAt = startedAt;
    try {
      await this.remote.reload();
    } catch (error) {
      this.options.onFetch?.(error);
      throw error;
    }
    this.loadedAt = startedAt;
    this.options.onFetch?.();
  }

  private unavailable(cooldownMs: number): Problem {
    const retryAfterMs = Math.max(1_000, this.triedAt + cooldownMs - this.options.now());
    return new Problem('unavailable', 'The signing keys of user tokens cannot be fetched.', { retryAfterMs });
  }
}
