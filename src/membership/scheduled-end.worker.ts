import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { runIsolated } from '../platform/scheduling/isolation.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { Database } from '../platform/postgres/database.js';
import { isOutage } from '../platform/postgres/outage.js';
import { MembershipService } from './membership.service.js';
import { type DueMembership, MembershipStore } from './membership.store.js';

/** An end is known in advance, so devices should learn of it well within a second. */
const EVERY_MS = 250;
const BATCH_SIZE = 200;
/** Bounds one run; the rest is due in the next one. A delay grants no access: readers compare the end with the clock themselves. */
const MAX_BATCHES = 50;
const SOURCE = { processor: 'usher', webhookId: null };

/** Ends memberships at their planned end, without waiting for a webhook. Runs on every worker; a lock lets one act at a time. */
@Injectable()
export class ScheduledEndWorker extends PeriodicWorker {
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
      const due = await this.store.listDue(BATCH_SIZE);
      if (due.length > 0) await this.endAll(due);
      if (due.length < BATCH_SIZE || this.isBusyElsewhere) return;
    }
  }

  /** A broken membership does not hold up the others. */
  private endAll(due: readonly DueMembership[]): Promise<void> {
    return runIsolated(due, {
      run: (part) => this.endBatch(part),
      isolate: (error) => !isOutage(error),
      onFailure: (_part, error) => {
        if (isOutage(error)) throw error;
        this.log.error(error);
      },
    });
  }

  private endBatch(due: readonly DueMembership[]): Promise<void> {
    return this.database.transaction('critical', async (tx) => {
      // Another node is ending them; what it leaves is due in the next run.
      this.isBusyElsewhere = !(await this.store.tryLockJob(tx, 'ends'));
      if (this.isBusyElsewhere) return;
      const userIds = due.map(({ userId }) => userId);
      await this.store.lockUsers(tx, userIds);
      const canceled = new Set(due.filter(({ isCanceled }) => isCanceled).map(({ userId }) => userId));
      const reason = (userId: string) => (canceled.has(userId) ? 'scheduled_end' : 'grace_ended');
      await this.memberships.updateFromSubscriptions(tx, userIds, { ...SOURCE, reason });
    });
  }
}
