import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { isOutage } from '../platform/postgres/outage.js';
import { MembershipService } from './membership.service.js';
import { type DueMembership, MembershipStore } from './membership.store.js';

/** Nobody should wait a second for what was known long before. */
const EVERY_MS = 250;
const AT_ONCE = 200;
/** Bounds a turn; what is left waits for the next one. Readers see no membership beyond its end, ended or not. */
const MAX_ROUNDS = 50;
/** What the history and the event say, and by whom. */
const SOURCE = { processor: 'usher', webhookId: null };

/** Ends memberships when their end has come, without waiting for a webhook. Any node; one does a turn at a time. */
@Injectable()
export class ScheduledEndWorker extends PeriodicWorker {
  constructor(
    private readonly store: MembershipStore,
    private readonly memberships: MembershipService,
    private readonly database: Database,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'membership', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const due = await this.store.due(AT_ONCE);
      if (due.length > 0) await this.endAll(due);
      if (due.length < AT_ONCE) return;
    }
  }

  /** One that fails must not hold up the others: then each is tried alone. */
  private async endAll(due: readonly DueMembership[]): Promise<void> {
    try {
      await this.endTogether(due);
    } catch (error) {
      if (isOutage(error)) throw error;
      this.log.error(error);
      for (const one of due)
        await this.endTogether([one]).catch((failure: unknown) => this.log.error(failure));
    }
  }

  private endTogether(due: readonly DueMembership[]): Promise<void> {
    const users = (isCanceled: boolean) =>
      due.filter((one) => one.isCanceled === isCanceled).map(({ userId }) => userId);
    return this.database.transaction('critical', async (tx) => {
      // Another node is at it: what it leaves is due the next time.
      if (!(await this.store.tryLockJob(tx, 'ends'))) return;
      await this.store.lockUsers(
        tx,
        due.map(({ userId }) => userId),
      );
      await this.end(tx, users(true), 'scheduled_end');
      await this.end(tx, users(false), 'grace_ended');
    });
  }

  private async end(tx: Transaction, userIds: string[], reason: string): Promise<void> {
    if (userIds.length > 0)
      await this.memberships.updateFromSubscriptions(tx, userIds, { ...SOURCE, reason });
  }
}
