import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { Database } from '../../platform/postgres/database.js';
import { MembershipService } from '../membership.service.js';
import { MembershipStore } from '../membership.store.js';

/**
 * A plan may have millions of users, and each of them gets a critical event: five times 400 a second are 2,000, so a
 * million take a bit more than eight minutes and the lane stays open for what is urgent.
 */
const EVERY_MS = 1_000;
const ROUNDS = 5;
const AT_ONCE = 400;
const SOURCE = { processor: 'usher', webhookId: null, reason: 'plan_changed' };

/**
 * Tells the users of a plan what it allows since it was changed: a new version each. Where it is needed is a question to
 * the tables, so there is nothing to resume. Any node; one does a turn at a time.
 */
@Injectable()
export class PlanRolloutWorker extends PeriodicWorker {
  constructor(
    private readonly store: MembershipStore,
    private readonly memberships: MembershipService,
    private readonly database: Database,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'membership', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    for (let round = 0; round < ROUNDS; round += 1) {
      const userIds = await this.store.behindPlan(AT_ONCE);
      if (userIds.length > 0) await this.notify(userIds);
      if (userIds.length < AT_ONCE) return;
    }
  }

  private notify(userIds: readonly string[]): Promise<void> {
    return this.database.transaction('important', async (tx) => {
      // Another node is at it, at the pace that is meant for all of them.
      if (!(await this.store.tryLockJob(tx, 'rollout'))) return;
      await this.store.lockUsers(tx, userIds);
      await this.memberships.updateFromSubscriptions(tx, userIds, SOURCE);
    });
  }
}
