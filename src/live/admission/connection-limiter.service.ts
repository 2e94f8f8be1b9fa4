import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { LifecycleService } from '../../platform/lifecycle.service.js';
import { TokenBucket } from '../../platform/scheduling/token-bucket.js';

/** A handshake costs about half a millisecond of CPU (bench/README.md): 1,000 a second take half of a core. */
const BURST_SECONDS = 2;
/** Devices that are refused reconnect within this time, spread. */
const RETRY_MIN_MS = 1_000;
const RETRY_SPREAD_MS = 10_000;

/** Milliseconds after which a refused device should reconnect; random, so that they do not come back together. */
export const retryDelayMs = (): number => Math.round(RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS);

/** Limits how many devices this node admits per second, whatever transport they come over. */
@Injectable()
export class ConnectionLimiterService {
  private readonly bucket: TokenBucket;

  constructor(
    private readonly lifecycle: LifecycleService,
    @Inject(CONFIG) { CONNECTS_PER_SECOND: rate }: Config,
  ) {
    this.bucket = new TokenBucket(rate, BURST_SECONDS * rate, Date.now(), 0);
  }

  /**
   * Takes one device within the limit. Throws Problem draining or overload: a handshake costs more than an event, and
   * devices that are connected come first.
   */
  take(): void {
    const retryAfterMs = retryDelayMs();
    if (this.lifecycle.draining) throw new Problem('draining', undefined, { retryAfterMs });
    if (!this.bucket.take(Date.now())) throw new Problem('overload', undefined, { retryAfterMs });
  }
}
