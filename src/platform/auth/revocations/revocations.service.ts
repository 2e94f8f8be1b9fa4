import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { AuditContext, AuditedAct } from '../../audit/audit-entry.js';
import { AuditService } from '../../audit/audit.service.js';
import { EventBusService } from '../../events/event-bus.service.js';
import { Problem } from '../../http/problem.js';
import { growingCache } from '../../growing-cache.js';
import { MetricsService } from '../../metrics/metrics.service.js';
import { Batcher } from '../../scheduling/batcher.js';
import { PeriodicWorker } from '../../scheduling/periodic.worker.js';
import { type TokenCredentials, revokes, type Revocation, tokenRevoked } from './revocation.js';
import { RevocationStore } from './revocation.store.js';

/** Every node must know a revocation within 2 s, with or without Redis (docs/CONTRACT.md, "HTTP"). */
const EVERY_MS = 1_000;
const PAGE_SIZE = 5_000;
/** Users whose revocations a node remembers, some 250 bytes each; more than it can have connections. */
const MAX_USERS = 100_000;
/** After this they are read again: what has expired in the table is forgotten here. */
const REMEMBER_MS = 3_600_000;

/** Which of a user's tokens: all of them, those of a device, or one. */
export type RevokedTokens = Omit<Revocation, 'notBefore'>;

/** What this node knows of one user. */
interface UserRevocations {
  revocations: Revocation[];
  /** Pending while the user's rows are read. */
  read?: Promise<void> | undefined;
}

/**
 * Tokens that are refused before they expire. A user's revocations are read when the user comes to this node, and remembered; the
 * new ones of all users are read each second. So a check seldom costs a query, and what a node holds does not grow with the table.
 */
@Injectable()
export class RevocationsService extends PeriodicWorker implements OnModuleInit {
  private readonly byUser = growingCache<UserRevocations>(MAX_USERS, REMEMBER_MS);
  private readonly reads: Batcher<string, Revocation[]>;
  private lastSeq = 0;

  constructor(
    private readonly store: RevocationStore,
    private readonly bus: EventBusService,
    private readonly audit: AuditService,
    metrics: MetricsService,
  ) {
    super({ log: 'revocations', everyMs: EVERY_MS });
    this.reads = new Batcher({
      runBatch: (userIds) => this.readBatch(userIds),
      size: 200,
      concurrency: 2,
      capacity: 10_000,
    });
    const help = 'Users whose revocations this node remembers, at most 100,000, most of whom have none.';
    metrics.gauge('revocation_users', help, 'max', () => this.byUser.size);
  }

  /** A node that cannot read the revocations does not boot: it would accept stolen tokens. */
  async onModuleInit(): Promise<void> {
    this.lastSeq = await this.store.lastSeq();
    this.start();
  }

  /** Throws Problem token_revoked; an outage when this node does not know the user and PostgreSQL is away. */
  async check(credentials: TokenCredentials): Promise<void> {
    const known = this.byUser.get(credentials.userId) ?? this.read(credentials.userId);
    if (known.read) await known.read;
    if (known.revocations.some((one) => revokes(one, credentials))) throw new Problem('token_revoked');
  }

  /**
   * Stores a revocation. When this resolves it holds on this node; on all others within 2 s. `act`: what the audit tells, if more is done
   * than to revoke tokens.
   */
  async revoke(of: RevokedTokens, by: AuditContext, act: AuditedAct = actOf(of)): Promise<Revocation> {
    const revocation = await this.audit.transaction('critical', by, async (tx) => ({
      outcome: await this.store.add(tx, of),
      acts: [act],
    }));
    this.learn(revocation);
    return revocation;
  }

  /** Reads what other nodes have stored since the last run. */
  protected async runOnce(): Promise<void> {
    for (let more = true; more;) {
      const { seq, revocations } = await this.store.listAfter(this.lastSeq, PAGE_SIZE);
      this.lastSeq = seq;
      for (const revocation of revocations) this.learn(revocation);
      more = revocations.length === PAGE_SIZE;
    }
  }

  /** The user is remembered before the rows are read: what is learnt meanwhile is added, and may be missing in those rows. */
  private read(userId: string): UserRevocations {
    const user: UserRevocations = { revocations: [] };
    user.read = this.reads.add(userId).then(
      (revocations) => {
        user.read = undefined;
        for (const one of revocations) add(user, one);
      },
      (error: unknown) => {
        if (this.byUser.peek(userId) === user) this.byUser.delete(userId);
        throw error;
      },
    );
    this.byUser.set(userId, user);
    return user;
  }

  private async readBatch(userIds: string[]): Promise<Revocation[][]> {
    const byUser = new Map<string, Revocation[]>(userIds.map((userId) => [userId, []]));
    for (const one of await this.store.listOf(userIds)) byUser.get(one.userId)?.push(one);
    return userIds.map((userId) => byUser.get(userId) ?? []);
  }

  private learn(revocation: Revocation): void {
    const user = this.byUser.peek(revocation.userId);
    if (user) add(user, revocation);
    this.bus.publish(tokenRevoked, revocation);
  }
}

/** Adds a revocation unless a later one of the same device and token is known. */
function add(user: UserRevocations, revocation: Revocation): void {
  const isSame = ({ deviceId, tokenId }: Revocation) =>
    deviceId === revocation.deviceId && tokenId === revocation.tokenId;
  const known = user.revocations.find(isSame);
  if (known && known.notBefore >= revocation.notBefore) return;
  user.revocations = [...user.revocations.filter((one) => one !== known), revocation];
}

const actOf = (of: RevokedTokens): AuditedAct => ({
  action: 'tokens.revoke',
  target: targetOf(of),
  userId: of.userId,
  result: 'done',
});

function targetOf({ userId, deviceId, tokenId }: RevokedTokens): AuditedAct['target'] {
  if (tokenId !== undefined) return { kind: 'token', id: tokenId };
  return deviceId === undefined ? { kind: 'user', id: userId } : { kind: 'device', id: deviceId };
}
