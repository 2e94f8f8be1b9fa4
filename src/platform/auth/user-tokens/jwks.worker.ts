import { Inject, Injectable } from '@nestjs/common';
import type { JWTVerifyGetKey } from 'jose';
import { CONFIG, type Config } from '../../config/config.js';
import { MetricsService } from '../../metrics/metrics.service.js';
import { PeriodicWorker } from '../../scheduling/periodic.worker.js';
import { JwksCache } from './jwks-cache.js';

/** Keys are fetched again when they are this old, long before they are needed. */
const REFRESH_MS = 300_000;
/** How often that is checked, and a failed fetch repeated. */
const EVERY_MS = 10_000;

/**
 * Keeps the keys at AUTH_JWKS_URL fresh, so that no token waits for the key server, nor depends on it: a node boots without it, and
 * responds `unavailable` until it has keys.
 */
@Injectable()
export class JwksWorker extends PeriodicWorker {
  private readonly cache: JwksCache | undefined;
  private away = false;

  constructor(@Inject(CONFIG) config: Config, metrics: MetricsService) {
    const url = config.AUTH_JWKS_URL;
    super({ log: 'jwks', everyMs: EVERY_MS, runs: url !== undefined, firstRun: 'at-boot' });
    if (url === undefined) return;
    const fetches = metrics.counter(
      'jwks_fetches_total',
      'Only with `AUTH_JWKS_URL`. Fetches of the keys of user tokens.',
      ['result'],
    );
    this.cache = new JwksCache({
      url,
      now: () => performance.now(),
      onFetch: (error) => {
        fetches.inc({ result: error === undefined ? 'ok' : 'failed' });
        this.report(error);
      },
    });
    const { cache } = this;
    metrics.gauge(
      'jwks_age_seconds',
      'Only with `AUTH_JWKS_URL`. Age of the keys of user tokens, which are fetched every five minutes. Alarm above 900: the key server has been away for longer. Tokens are verified with the keys of before for 24 hours, then refused as `unavailable`.',
      'max',
      () => cache.ageMs / 1_000,
    );
  }

  /** The key for a token, for jose: see JwksCache. */
  readonly find: JWTVerifyGetKey = (header, token) => {
    if (!this.cache) throw new Error('AUTH_JWKS_URL is not set');
    return this.cache.find(header, token);
  };

  protected async runOnce(): Promise<void> {
    if (!this.cache || (this.cache.ageMs < REFRESH_MS && !this.away)) return;
    // A failure is reported by `onFetch`, as one of a fetch for a token is.
    await this.cache.refresh().catch(() => {});
  }

  /** Logs when the key server goes and when it is back, not each attempt between. */
  private report(error: unknown): void {
    const away = error !== undefined;
    if (away && !this.away)
      this.log.warn(`The keys at AUTH_JWKS_URL cannot be fetched, will try again: ${reasonOf(error)}`);
    if (!away && this.away) this.log.log('The keys at AUTH_JWKS_URL can be fetched again');
    this.away = away;
  }
}

/** `fetch` says only "fetch failed"; its cause says why. */
function reasonOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}
