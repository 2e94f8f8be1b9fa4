import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { runIsolated } from '../../platform/scheduling/isolation.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { Database } from '../../platform/postgres/database.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { MembershipService } from '../membership.service.js';
import { MembershipStore } from '../membership.store.js';

/**
 * A plan may have millions of users, and each of them gets a critical event. Five batches of 400 a second are 2,000 users: a million
 * take a bit more than eight minutes, and the lane of critical events stays free for what is urgent.
 */
const EVERY_MS = 1_000;
const MAX_BATCHES = 5;
const BATCH_SIZE = 400;
const SOURCE = { processor: 'usher', webhookId: null, reason: 'plan_changed' };

/**
 * Rolls a changed plan out: each of its users gets a new version of the membership with the new capabilities. Who still needs one is
 * read from the tables each time, so a crash loses no progress. Runs on every worker; a lock lets one act at a time.
 */
@Injectable()
export class PlanRolloutWorker extends PeriodicWorker {
  /** Another node holds the lock: this one waits for its next run. */
  private isBusyElsewhere = false;

  constructor(
    private readonly store: MembershipStore,
    private readonly memberships: MembershipService,
    private readonly database: Database,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'membership', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const userIds = await this.store.listBehindPlan(BATCH_SIZE);
      if (userIds.length > 0) await this.rollOutAll(userIds);
      if (userIds.length < BATCH_SIZE || this.isBusyElsewhere) return;
    }
  }

  /** A user whose membership is broken does not hold up the others; the next run tries again. */
  private rollOutAll(userIds: readonly string[]): Promise<void> {
    return runIsolated(userIds, {
      run: (part) => this.rollOut(part),
      isolate: (error) => !isOutage(error),
      onFailure: (_part, error) => {
        if (isOutage(error)) throw error;
        this.log.error(error);
      },
    });
  }

  private rollOut(userIds: readonly string[]): Promise<void> {
    return this.database.transaction('important', async (tx) => {
      // Another node is at work, and the rate above is meant for all nodes together.
      this.isBusyElsewhere = !(await this.store.tryLockJob(tx, 'rollout'));
      if (this.isBusyElsewhere) return;
      await this.store.lockUsers(tx, userIds);
      await this.memberships.updateFromSubscriptions(tx, userIds, SOURCE);
    });
  }
}
