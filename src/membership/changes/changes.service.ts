import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { newIdOf } from '../../platform/postgres/bucket.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { type ChangeCommand, illegalChangeReason } from './change.js';
import { ChangeExecutionService } from './change-execution.service.js';
import { type MembershipChangeRequest, ChangeStore } from './change.store.js';
import { primarySubscription } from '../membership.js';
import { MembershipStore } from '../membership.store.js';
import type { MembershipView } from '../membership-view.js';
import { SubscriptionStore } from '../subscriptions/subscription.store.js';
import type { StoredSubscription } from '../subscriptions/update-rules.js';

/** Accepts the changes that users ask for. The membership only changes once the processor has confirmed. */
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
   * Returns the membership afterwards; with `pendingChange` while the processor has not confirmed. Throws Problem unknown_plan,
   * illegal_change, change_pending, change_refused, not_configured.
   */
  async request(userId: string, { action, planId }: ChangeCommand): Promise<MembershipView> {
    const command: ChangeCommand = action === 'change_plan' ? { action, planId } : { action };
    if (command.planId !== undefined && !(await this.subscriptions.listPrices(command.planId)))
      throw new Problem('unknown_plan');
    const change = await this.database.transaction('critical', (tx) => this.begin(tx, userId, command));
    const progress = await this.execution.execute(change);
    if (progress.status === 'refused') throw new Problem('change_refused', progress.reason);
    return this.store.getMembership(userId);
  }

  private async begin(
    tx: Transaction,
    userId: string,
    command: ChangeCommand,
  ): Promise<MembershipChangeRequest> {
    const subscription = await this.findChangeable(tx, userId, command);
    const { processor, subscriptionId } = subscription;
    if (!this.execution.canChange(processor)) {
      throw new Problem(
        'not_configured',
        `Changes at the processor "${processor}" cannot be made through here.`,
      );
    }
    const { action, planId = null } = command;
    const id = newIdOf(userId);
    const change = await this.store.insert(tx, { id, userId, processor, subscriptionId, action, planId });
    if (!change) throw new Problem('change_pending', undefined, { retryAfterMs: 5_000 });
    return change;
  }

  /** The subscription that decides the membership is the one to change. Throws Problem illegal_change. */
  private async findChangeable(
    tx: Transaction,
    userId: string,
    command: ChangeCommand,
  ): Promise<StoredSubscription> {
    await this.memberships.lockUsers(tx, [userId]);
    const [current] = await this.memberships.listCurrent(tx, [userId]);
    const now = current?.now ?? new Date();
    const subscription = primarySubscription(await this.subscriptions.listOfUsersIn(tx, [userId]), now);
    const reason = illegalChangeReason(subscription, command, now);
    if (!subscription || reason !== undefined) throw new Problem('illegal_change', reason);
    return subscription;
  }
}
