import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { type ChangeCommand, whyIllegal } from './change.js';
import { ChangeExecutionService } from './change-execution.service.js';
import { type MembershipChangeRequest, ChangeStore } from './change.store.js';
import { primarySubscription } from '../membership.js';
import { MembershipStore } from '../membership.store.js';
import type { MembershipView } from '../membership-view.js';
import { type StoredSubscription, SubscriptionStore } from '../subscriptions/subscription.store.js';

/** Longer than the processor is given to answer, so that no other node tries while this one waits. */
const ALONE_SECONDS = 60;

/** What users ask for: checked here, carried out at the processor, and only then true. */
@Injectable()
export class ChangesService {
  constructor(
    private readonly store: ChangeStore,
    private readonly memberships: MembershipStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly execution: ChangeExecutionService,
    private readonly database: Database,
  ) {}

  /**
   * The membership afterwards; with `pendingChange` while the processor has not answered. Throws Problem unknown_plan,
   * illegal_change, change_pending, change_refused, not_configured.
   */
  async request(userId: string, { action, planId }: ChangeCommand): Promise<MembershipView> {
    const ask: ChangeCommand = action === 'change_plan' ? { action, planId } : { action };
    if (ask.planId !== undefined && !(await this.subscriptions.pricesOf(ask.planId)))
      throw new Problem('unknown_plan');
    const change = await this.database.transaction('critical', (tx) => this.begin(tx, userId, ask));
    const progress = await this.execution.execute(change);
    if (progress.status === 'refused') throw new Problem('change_refused', progress.reason);
    return this.store.membership(userId);
  }

  private async begin(tx: Transaction, userId: string, ask: ChangeCommand): Promise<MembershipChangeRequest> {
    const subscription = await this.legal(tx, userId, ask);
    const { processor, subscriptionId } = subscription;
    if (!this.execution.canChange(processor)) {
      throw new Problem(
        'not_configured',
        `Changes at the processor "${processor}" cannot be made through here.`,
      );
    }
    const { action, planId = null } = ask;
    const id = randomUUID();
    const change = await this.store.begin(
      tx,
      { id, userId, processor, subscriptionId, action, planId },
      ALONE_SECONDS,
    );
    if (!change) throw new Problem('change_pending', undefined, { retryAfterMs: 5_000 });
    return change;
  }

  /** The subscription that speaks for the user is the one to change. */
  private async legal(tx: Transaction, userId: string, ask: ChangeCommand): Promise<StoredSubscription> {
    await this.memberships.lockUsers(tx, [userId]);
    const [current] = await this.memberships.current(tx, [userId]);
    const now = current?.now ?? new Date();
    const subscription = primarySubscription(await this.subscriptions.ofUsers(tx, [userId]), now);
    const why = whyIllegal(subscription, ask, now);
    if (!subscription || why !== undefined) throw new Problem('illegal_change', why);
    return subscription;
  }
}
