import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { ClockService } from '../clock.service.js';
import { DefinitionsService } from '../definitions/definitions.service.js';
import { wantedOf } from '../definitions/digest-definition.js';
import { DigestPlanStore } from '../planning/digest-plan.store.js';
import { localScheduleOf } from '../planning/next-run.js';
import { PlanningService } from '../planning/planning.service.js';
import { DigestPublisherService } from '../runs/digest-publisher.service.js';
import { DigestRunStore } from '../runs/digest-run.store.js';
import { planNext } from '../schedule/schedule.js';
import { lateSeconds } from './lateness.js';

const FORECAST_HOURS = 24;
/** Where a count of the forecast stops: 24 of them take PostgreSQL less than a second. */
const MOST_COUNTED = 100_000;

/** Says what digests will be: one user's next one, and how many are due when. */
@Injectable()
export class DigestPreviewService {
  constructor(
    private readonly definitions: DefinitionsService,
    private readonly plans: DigestPlanStore,
    private readonly runs: DigestRunStore,
    private readonly clock: ClockService,
    private readonly planning: PlanningService,
    private readonly publisher: DigestPublisherService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Returns the user's next digest as it would be now. Throws Problem not_found when there is no such digest. */
  async preview(userId: string, name: string) {
    const digest = { name, body: await this.definitions.get(name) };
    const user = await this.plans.user(userId, name);
    const now = this.clock.now();
    const local = localScheduleOf(digest, user, this.planning.settings);
    const { localDate, dueAt } = planNext(local, user.lastDate, now);
    const wanted = wantedOf(digest.body, user.preferences ?? undefined);
    const collected = wanted && (await this.runs.preview(userId, digest, wanted, now));
    const isEmpty = !collected || collected.events === 0;
    const status = !wanted ? 'not_wanted' : !user.isPlanned ? 'not_planned' : isEmpty ? 'empty' : 'planned';
    return {
      userId,
      digest: name,
      status,
      timezone: local.timezone,
      localDate,
      dueAt: dueAt.toISOString(),
      ...(!isEmpty && {
        data: this.publisher.contentOf(digest.body, { localDate, locale: user.locale, collected }),
      }),
    };
  }

  /** Returns how many runs are planned for each of the next hours. Throws Problem not_found. */
  async forecast(name: string) {
    await this.definitions.get(name);
    const perSecond = this.config.DIGESTS_PER_SECOND;
    const [waiting, ...hours] = await this.plans.forecast(
      name,
      this.clock.now(),
      FORECAST_HOURS,
      MOST_COUNTED,
    );
    const due = waiting?.planned ?? 0;
    const late = lateSeconds(
      hours.map(({ planned }) => planned),
      due,
      perSecond,
    );
    return {
      digest: name,
      perSecond,
      due,
      hours: hours.map(({ from, planned }, n) => ({
        from,
        planned,
        isCounted: planned < MOST_COUNTED,
        lateSeconds: late[n],
      })),
    };
  }
}
