import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Problem } from '../../http/problem.js';
import { Loop } from '../../scheduling/loop.js';
import { MetricsService } from '../../metrics/metrics.service.js';
import { EventBusService } from '../../events/event-bus.service.js';
import { type TokenCredentials, revokes, type Revocation, tokenRevoked } from './revocation.js';
import { RevocationStore } from './revocation.store.js';

/** Every node knows within 2 s, with Redis or without. */
const EVERY_MS = 1_000;
const AT_ONCE = 5_000;

/**
 * Tokens that are refused before their time. They are few (a hundred bytes each), so every node holds them all: asking costs
 * nothing, and a node that starts reads them before it opens.
 */
@Injectable()
export class RevocationsService implements OnModuleInit, OnApplicationShutdown {
  private readonly log = new Logger('revocations');
  private readonly known = new Map<string, Revocation[]>();
  private seq = 0;
  private readonly loop = new Loop(
    EVERY_MS,
    () => this.read(),
    (error) => this.log.warn(`not read, will try again: ${String(error)}`),
  );

  constructor(
    private readonly store: RevocationStore,
    private readonly bus: EventBusService,
    metrics: MetricsService,
  ) {
    metrics.gauge('revocations', 'Users with revoked tokens, as this node knows', () => this.known.size);
  }

  async onModuleInit(): Promise<void> {
    await this.read();
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  /** Throws Problem token_revoked. */
  check(credentials: TokenCredentials): void {
    const revoked = this.known.get(credentials.userId)?.some((one) => revokes(one, credentials));
    if (revoked) throw new Problem('token_revoked');
  }

  /** Stored when this resolves, and known to this node; to the others within 2 s. */
  async revoke(of: { userId: string; deviceId?: string; tokenId?: string }): Promise<Revocation> {
    const revocation = await this.store.add(of);
    this.add(revocation);
    return revocation;
  }

  private async read(): Promise<void> {
    for (let more = true; more;) {
      const { seq, revocations } = await this.store.after(this.seq, AT_ONCE);
      this.seq = seq;
      for (const revocation of revocations) this.add(revocation);
      more = revocations.length === AT_ONCE;
    }
  }

  private add(revocation: Revocation): void {
    const { userId, deviceId, tokenId } = revocation;
    const others = (this.known.get(userId) ?? []).filter(
      (one) => one.deviceId !== deviceId || one.tokenId !== tokenId,
    );
    this.known.set(userId, [...others, revocation]);
    this.bus.publish(tokenRevoked, revocation);
  }
}
