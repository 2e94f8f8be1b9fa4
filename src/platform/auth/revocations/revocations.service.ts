import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventBusService } from '../../events/event-bus.service.js';
import { Problem } from '../../http/problem.js';
import { MetricsService } from '../../metrics/metrics.service.js';
import { PeriodicWorker } from '../../scheduling/periodic.worker.js';
import { type TokenCredentials, revokes, type Revocation, tokenRevoked } from './revocation.js';
import { RevocationStore } from './revocation.store.js';

/** Every node must know a revocation within 2 s, with or without Redis (docs/CONTRACT.md, "HTTP"). */
const EVERY_MS = 1_000;
const PAGE_SIZE = 5_000;

/**
 * Tokens that are refused before they expire. They are few, some 100 bytes each, so every node holds all of them in memory: a
 * check costs no query, and a node has read them before it accepts its first call.
 */
@Injectable()
export class RevocationsService extends PeriodicWorker implements OnModuleInit {
  private readonly byUser = new Map<string, Revocation[]>();
  private lastSeq = 0;

  constructor(
    private readonly store: RevocationStore,
    private readonly bus: EventBusService,
    metrics: MetricsService,
  ) {
    super({ log: 'revocations', everyMs: EVERY_MS });
    metrics.gauge('revocations', 'Users with revoked tokens, as this node knows', () => this.byUser.size);
  }

  /** A node that cannot read the revocations does not boot: it would accept stolen tokens. */
  async onModuleInit(): Promise<void> {
    await this.runOnce();
    this.start();
  }

  /** Throws Problem token_revoked. */
  check(credentials: TokenCredentials): void {
    const revoked = this.byUser.get(credentials.userId)?.some((one) => revokes(one, credentials));
    if (revoked) throw new Problem('token_revoked');
  }

  /** Stores a revocation. When this resolves it holds on this node; on all others within 2 s. */
  async revoke(of: { userId: string; deviceId?: string; tokenId?: string }): Promise<Revocation> {
    const revocation = await this.store.add(of);
    this.remember(revocation);
    return revocation;
  }

  /** Reads what other nodes have stored since the last run. */
  protected async runOnce(): Promise<void> {
    for (let more = true; more;) {
      const { seq, revocations } = await this.store.listAfter(this.lastSeq, PAGE_SIZE);
      this.lastSeq = seq;
      for (const revocation of revocations) this.remember(revocation);
      more = revocations.length === PAGE_SIZE;
    }
  }

  private remember(revocation: Revocation): void {
    const { userId, deviceId, tokenId } = revocation;
    const others = (this.byUser.get(userId) ?? []).filter(
      (one) => one.deviceId !== deviceId || one.tokenId !== tokenId,
    );
    this.byUser.set(userId, [...others, revocation]);
    this.bus.publish(tokenRevoked, revocation);
  }
}
