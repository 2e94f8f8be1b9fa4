import { Injectable } from '@nestjs/common';
import { STALE_AFTER_DAYS } from '../../devices/device.js';
import { OPT_IN } from '../../devices/preferences/preferences.js';
import { Database } from '../../platform/postgres/database.js';
import type { DurableTier } from '../../platform/tiers.js';
import { statement } from '../../platform/postgres/statement.js';
import { NEVER_PUSHED } from './never-pushed.js';

const QUEUE = statement('enqueue-pushes.sql', import.meta.url);
const CLEAR = statement('clear-shown.sql', import.meta.url);

/** Where an event is: its user and offset; and the devices that are awake, if it is known which. */
export type EventPlace = readonly [userId: string, offset: number, awake?: readonly string[]];

/** How many commits were looked at again, and how many pushes that made. */
export interface ScheduledPushes {
  readonly commits: number;
  readonly pushes: number;
}

/** The clock of each commit, and the queue of pushes that it fills. */
@Injectable()
export class PushQueueStore {
  constructor(private readonly database: Database) {}

  /** Queues what is due of at most so many commits. */
  enqueueDue(tier: DurableTier, ageMs: number, atMost: number): Promise<ScheduledPushes> {
    return this.queue(tier, [], [tier, ageMs, atMost]);
  }

  /** Queues at once what sleeping devices must learn; answers how many pushes. */
  async enqueueNow(places: readonly EventPlace[]): Promise<number> {
    return (await this.queue('critical', places, [null, 0, 0])).pushes;
  }

  /** Takes away on the user's other devices what was shown there. */
  async clearOnOtherDevices(userId: string, deviceId: string, eventIds: readonly string[]): Promise<number> {
    return (await this.database.run('important', CLEAR, [userId, deviceId, eventIds])).length;
  }

  private async queue(
    lane: DurableTier,
    places: readonly EventPlace[],
    due: readonly [tier: DurableTier | null, ageMs: number, atMost: number],
  ): Promise<ScheduledPushes> {
    const values = [JSON.stringify(places), NEVER_PUSHED, OPT_IN, STALE_AFTER_DAYS, ...due];
    const [row] = await this.database.run<ScheduledPushes>(lane, QUEUE, values);
    return row ?? { commits: 0, pushes: 0 };
  }
}
