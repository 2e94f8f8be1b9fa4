import { Inject, Injectable, Optional } from '@nestjs/common';
import { PERSON_SESSIONS, type PersonSessions } from '../../platform/auth/person.js';
import { ServiceKeysService } from '../../platform/auth/service-keys/service-keys.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { LiveEngagementService, type LiveViewer } from './live-engagement.service.js';

/** A revoked key, and a session that has ended, must see nothing any more within two seconds. */
const EVERY_MS = 500;

type Access = LiveViewer['access'];
type FilterValid = (ids: readonly string[]) => Promise<ReadonlySet<string>>;

/** Twice a second: disconnects viewers whose service key is revoked or expired, and those whose session of the console has ended. */
@Injectable()
export class ViewerMonitorWorker extends PeriodicWorker {
  constructor(
    private readonly live: LiveEngagementService,
    private readonly keys: ServiceKeysService,
    @Optional() @Inject(PERSON_SESSIONS) private readonly sessions?: PersonSessions,
  ) {
    super({ log: 'engagement', everyMs: EVERY_MS });
  }

  /** Keys are in PostgreSQL, sessions in Redis: while one of them is down, viewers by the other are still looked at. */
  protected async runOnce(): Promise<void> {
    await Promise.all([
      this.check('key', (ids) => this.keys.filterValid(ids)),
      this.check('session', async (ids) => (await this.sessions?.filterValid(ids)) ?? new Set()),
    ]);
  }

  private async check(by: Access['by'], filterValid: FilterValid): Promise<void> {
    const viewers = this.live.viewers.filter(({ access }) => access.by === by);
    if (viewers.length === 0) return;
    const valid = await filterValid([...new Set(viewers.map(({ access }) => access.id))]);
    for (const viewer of viewers) if (!valid.has(viewer.access.id)) viewer.close();
  }
}
