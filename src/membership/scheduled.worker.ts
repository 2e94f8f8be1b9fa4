import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Loop } from '../platform/loop.js';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { isOutage } from '../platform/postgres/outage.js';
import { Memberships } from './membership.service.js';
import { MembershipStore } from './membership.store.js';

/** Nobody should wait a second for what was known long before. */
const EVERY_MS = 250;
const AT_ONCE = 200;
/** Bounds a turn; what is left waits for the next one. Readers see no membership beyond its end, ended or not. */
const MAX_ROUNDS = 50;
/** What the history and the event say, and by whom. */
const SOURCE = { processor: 'usher', webhookId: null };

/** Ends memberships when their end has come, without waiting for a webhook. Any node; one does a turn at a time. */
@Injectable()
export class ScheduledEnds implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('membership');
  private readonly loop = new Loop(
    EVERY_MS,
    () => this.turn(),
    (error) => this.log.warn(`will try again: ${String(error)}`),
  );

  constructor(
    private readonly store: MembershipStore,
    private readonly memberships: Memberships,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.ROLES.includes('worker')) this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  /** One that fails must not hold up the others: then each is tried alone. */
  private async turn(): Promise<void> {
    try {
      for (let round = 0; round < MAX_ROUNDS; round += 1) if ((await this.endSome(AT_ONCE)) < AT_ONCE) return;
    } catch (error) {
      if (isOutage(error)) throw error;
      this.log.error(error);
      await this.endEach();
    }
  }

  private endSome(limit: number): Promise<number> {
    return this.database.transaction('critical', async (tx) => {
      if (!(await this.store.takeTurn(tx, 'ends'))) return 0;
      const due = await this.store.due(tx, limit);
      const users = (isCanceled: boolean) =>
        due.filter((one) => one.isCanceled === isCanceled).map(({ userId }) => userId);
      await this.end(tx, users(true), 'scheduled_end');
      await this.end(tx, users(false), 'grace_ended');
      return due.length;
    });
  }

  private async endEach(): Promise<void> {
    const due = await this.database.transaction('critical', (tx) => this.store.due(tx, AT_ONCE));
    for (const { userId, isCanceled } of due) {
      await this.database
        .transaction('critical', (tx) => this.end(tx, [userId], isCanceled ? 'scheduled_end' : 'grace_ended'))
        .catch((error: unknown) => this.log.error(error));
    }
  }

  private async end(tx: Transaction, userIds: string[], reason: string): Promise<void> {
    if (userIds.length === 0) return;
    await this.store.lockUsers(tx, userIds);
    await this.memberships.follow(tx, userIds, { ...SOURCE, reason });
  }
}
