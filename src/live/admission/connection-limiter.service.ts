import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { LifecycleService } from '../../platform/lifecycle.service.js';
import { TokenBucket } from '../../platform/scheduling/token-bucket.js';

/** A handshake costs about half a millisecond of CPU (bench/README.md): at 1,000 a second half of a core goes to them. */
const BURST_SECONDS = 2;
/** Those that are turned away come back within this time, spread. */
const RETRY_MIN_MS = 1_000;
const RETRY_SPREAD_MS = 10_000;

/** When a device that cannot be let in should come back: each at a time of its own. */
export const retryDelayMs = (): number => Math.round(RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS);

/** Whether this node has room for one more device, whatever line it comes by. */
@Injectable()
export class ConnectionLimiterService {
  private readonly pace: TokenBucket;

  constructor(
    private readonly lifecycle: LifecycleService,
    @Inject(CONFIG) { CONNECTS_PER_SECOND: rate }: Config,
  ) {
    this.pace = new TokenBucket(rate, BURST_SECONDS * rate, Date.now(), 0);
  }

  /**
   * Throws Problem draining or overload. A storm of reconnects is let in at a pace: a handshake costs more than an event,
   * and events go first.
   */
  check(): void {
    const retryAfterMs = retryDelayMs();
    if (this.lifecycle.draining) throw new Problem('draining', undefined, { retryAfterMs });
    if (!this.pace.take(Date.now())) throw new Problem('overload', undefined, { retryAfterMs });
  }
}
