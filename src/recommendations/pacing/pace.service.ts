import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { Pace } from './pace.js';

/** The pace at which the users of all files that this node ingests are told of their pages. */
@Injectable()
export class PaceService {
  private readonly pace: Pace;

  constructor(@Inject(CONFIG) config: Config) {
    this.pace = new Pace({
      perSecond: config.RECOMMENDATIONS_PER_SECOND,
      maxMs: config.RECOMMENDATIONS_WINDOW_SECONDS * 1_000,
    });
  }

  /** As Pace.add, now. */
  add(users: number, toldBefore: number): number | undefined {
    return this.pace.add(users, toldBefore, monotonicNow());
  }

  /** As Pace.remove. */
  remove(users: number): void {
    this.pace.remove(users);
  }
}
