import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database } from '../../platform/postgres/database.js';
import { ClockService } from '../clock.service.js';
import { DigestPlanStore, type DueDigest } from './digest-plan.store.js';
import { type DigestSettings, localScheduleOf, nextRunOf } from './next-run.js';

/** Plans when each user's digest is due: of users who are new to it, and of all when the digest or a user's time zone has changed. */
@Injectable()
export class PlanningService {
  /** What all digests have in common. */
  readonly settings: DigestSettings;

  constructor(
    private readonly store: DigestPlanStore,
    private readonly database: Database,
    private readonly clock: ClockService,
    @Inject(CONFIG) config: Config,
  ) {
    this.settings = { windowMinutes: config.DIGEST_WINDOW_MINUTES, timezone: config.DIGEST_TIMEZONE };
  }

  /** Returns the digests that were changed or removed: `walk` has work for them. */
  listChanged(): Promise<{ readonly name: string }[]> {
    return this.store.listChanged();
  }

  /** Has `limit` users of a changed digest planned anew, or removes as many plans of one that has ended. Returns whether there may be more. */
  walk(digest: string, limit: number): Promise<boolean> {
    return this.database.transaction('routine', async (tx) => {
      await this.store.limitTime(tx);
      const changed = await this.store.claimChanged(tx, digest);
      if (!changed) return false;
      return changed.isRemoved
        ? await this.store.removeEnded(tx, changed.name, limit)
        : await this.store.walk(tx, changed, limit);
    });
  }

  /** Plans at most `limit` users of the digest. Returns whether there may be more. */
  plan(digest: DueDigest, limit: number): Promise<boolean> {
    return this.database.transaction('routine', async (tx) => {
      await this.store.limitTime(tx);
      const claimed = await this.store.claimUnplanned(tx, digest.name, limit);
      const now = this.clock.now();
      const plans = claimed.map((user) => ({
        userId: user.userId,
        ...nextRunOf(localScheduleOf(digest, user, this.settings), user.lastDate, now),
      }));
      await this.store.save(tx, digest.name, plans);
      return claimed.length === limit;
    });
  }

  /** Returns the digests that have users to be planned. */
  listUnplanned(): Promise<DueDigest[]> {
    return this.store.listUnplanned();
  }
}
