import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem, type ProblemCode } from '../../platform/http/problem.js';
import { LifecycleService } from '../../platform/lifecycle.service.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { ConcurrencyLimiter } from '../../platform/rate-limits/concurrency-limiter.js';
import { KeyedRateLimiter } from '../../platform/rate-limits/keyed-rate-limiter.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { TokenBucket } from '../../platform/rate-limits/token-bucket.js';

/** A handshake costs about half a millisecond of CPU (bench/README.md): 1,000 a second take half of a core. */
const BURST_SECONDS = 2;
/** One address may be that of many devices, whose node has just died. */
const ADDRESS_BURST_SECONDS = 10;
const USER_BURST_SECONDS = 10;
/** Devices that are refused reconnect within this time, spread. */
const RETRY_MIN_MS = 1_000;
const RETRY_SPREAD_MS = 10_000;

/** Milliseconds after which a refused device should reconnect; random, so that they do not come back together. */
export const retryDelayMs = (): number => Math.round(RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS);

/** Which limit a device was refused by: the label `limit` of the metric. */
type Limit = 'draining' | 'node' | 'address' | 'user' | 'streams_of_user' | 'streams_of_address';

/**
 * Limits how many devices this node admits, whatever transport they come over. Who has no valid token uses up only what is his
 * address's, who has one only what is his user's, before what all devices share.
 */
@Injectable()
export class ConnectionLimiterService {
  private readonly node: TokenBucket;
  private readonly addresses: KeyedRateLimiter;
  private readonly users: KeyedRateLimiter;
  private readonly streamsOfUser: ConcurrencyLimiter;
  private readonly streamsOfAddress: ConcurrencyLimiter;
  private readonly refused: Counter<'limit'>;

  constructor(
    private readonly lifecycle: LifecycleService,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    const { CONNECTS_PER_SECOND, CONNECTS_PER_ADDRESS, CONNECTS_PER_USER } = config;
    this.node = new TokenBucket(CONNECTS_PER_SECOND, BURST_SECONDS * CONNECTS_PER_SECOND, monotonicNow(), 0);
    this.addresses = new KeyedRateLimiter(CONNECTS_PER_ADDRESS, ADDRESS_BURST_SECONDS * CONNECTS_PER_ADDRESS);
    this.users = new KeyedRateLimiter(CONNECTS_PER_USER, USER_BURST_SECONDS * CONNECTS_PER_USER);
    this.streamsOfUser = new ConcurrencyLimiter(config.EVENT_STREAMS_PER_USER);
    this.streamsOfAddress = new ConcurrencyLimiter(config.EVENT_STREAMS_PER_ADDRESS);
    this.refused = metrics.counter(
      'connects_refused_total',
      'Devices that were refused, by limit: `draining`, `node` (`CONNECTS_PER_SECOND`), `address` (bad tokens), `user`, `streams_of_user`, `streams_of_address`. If `address` grows while nobody attacks, a proxy stands in front that `TRUSTED_PROXIES` does not name.',
      ['limit'],
    );
  }

  /** Before the token is verified. Throws Problem draining, or rate_limited for an address that sent too many bad ones. */
  checkAttempt(address: string): void {
    if (this.lifecycle.draining) this.refuse('draining', 'draining');
    if (!this.addresses.take(address)) this.refuse('rate_limited', 'address');
  }

  /**
   * After the token was found to be valid: that is the user's connect, not the address's. Throws Problem draining; rate_limited
   * for a user that connects too often; or overload: a handshake costs more than an event, and devices that are connected come
   * first.
   */
  admit(userId: string): void {
    if (this.lifecycle.draining) this.refuse('draining', 'draining');
    if (!this.users.take(userId)) this.refuse('rate_limited', 'user');
    if (!this.node.take(monotonicNow())) this.refuse('overload', 'node');
  }

  /** The attempt of this address was not a bad one, and costs it nothing. */
  giveBack(address: string): void {
    this.addresses.giveBack(address);
  }

  /**
   * Counts an event stream until the returned function is called. Throws Problem rate_limited when its user or its address has
   * too many.
   */
  openStream(userId: string, address: string): () => void {
    if (!this.streamsOfUser.enter(userId)) this.refuse('rate_limited', 'streams_of_user');
    if (!this.streamsOfAddress.enter(address)) {
      this.streamsOfUser.leave(userId);
      this.refuse('rate_limited', 'streams_of_address');
    }
    return () => {
      this.streamsOfUser.leave(userId);
      this.streamsOfAddress.leave(address);
    };
  }

  private refuse(code: ProblemCode, limit: Limit): never {
    this.refused.inc({ limit });
    throw new Problem(code, undefined, { retryAfterMs: retryDelayMs() });
  }
}
