import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database } from '../../platform/postgres/database.js';
import { ClockService } from '../clock.service.js';
import { DigestPlanStore, type DueDigest } from './digest-plan.store.js';
import { type DigestSettings, localScheduleOf, nextRunOf } from './next-run.js';

/** Plans that are made in one transaction. */
const SLICE = 500;

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

  /** Has a slice of the users of a changed digest planned anew, or removes a slice of one that has ended. Returns whether there may be more. */
  async walkChanged(): Promise<boolean> {
    if (!(await this.store.hasChanged())) return false;
    return this.database.transaction('routine', async (tx) => {
      await this.store.limitTime(tx);
      const changed = await this.store.claimChanged(tx);
      if (!changed) return false;
      return changed.isRemoved
        ? await this.store.removeEnded(tx, changed.name, SLICE)
        : await this.store.walk(tx, changed, SLICE);
    });
  }

  /** Plans a slice of the digest's users. Returns whether there may be more. */
  plan(digest: DueDigest): Promise<boolean> {
    return this.database.transaction('routine', async (tx) => {
      await this.store.limitTime(tx);
      const claimed = await this.store.claimUnplanned(tx, digest.name, SLICE);
      const now = this.clock.now();
      const plans = claimed.map((user) => ({
        userId: user.userId,
        ...nextRunOf(localScheduleOf(digest, user, this.settings), user.lastDate, now),
      }));
      await this.store.save(tx, digest.name, plans);
      return claimed.length === SLICE;
    });
  }

  /** Returns the digests that have users to be planned. */
  listUnplanned(): Promise<DueDigest[]> {
    return this.store.listUnplanned();
  }
}
