import { Injectable } from '@nestjs/common';
import { STALE_AFTER_DAYS } from '../devices/device.js';
import { OPT_IN } from '../devices/preferences.js';
import { Database } from '../platform/postgres/database.js';
import type { DurableTier } from '../platform/postgres/lanes.js';
import { statement } from '../platform/postgres/statement.js';
import { NEVER_PUSHED } from './fallback.js';

const CLAIM = statement('fallback-claim.sql', import.meta.url);
const QUEUE = statement('fallback-queue.sql', import.meta.url);
const CLEAR = statement('fallback-clear.sql', import.meta.url);

/** Where an event is: its user and offset; and the devices that are awake, if it is known which. */
export type Place = readonly [userId: string, offset: number, awake?: readonly string[]];

/** The clock of each commit, and the queue of pushes that it fills. */
@Injectable()
export class FallbackStore {
  constructor(private readonly database: Database) {}

  /** Queues what is due of at most so many commits, in one transaction. Answers how many commits, and how many pushes. */
  spread(tier: DurableTier, ageMs: number, atMost: number): Promise<{ commits: number; pushes: number }> {
    return this.database.transaction(tier, async (tx) => {
      const due = await tx.run<{ positions: Place[] }>(CLAIM, [tier, ageMs, atMost]);
      if (due.length === 0) return { commits: 0, pushes: 0 };
      const queued = await tx.run(QUEUE, queueing(due.flatMap(({ positions }) => positions)));
      return { commits: due.length, pushes: queued.length };
    });
  }

  /** Queues at once what sleeping devices must learn; answers how many pushes. */
  async hurry(places: readonly Place[]): Promise<number> {
    return (await this.database.run('critical', QUEUE, queueing(places))).length;
  }

  /** Takes away on the user's other devices what was shown there. */
  async clearElsewhere(userId: string, deviceId: string, eventIds: readonly string[]): Promise<number> {
    return (await this.database.run('important', CLEAR, [userId, deviceId, eventIds])).length;
  }
}

const queueing = (places: readonly Place[]) => [
  JSON.stringify(places),
  NEVER_PUSHED,
  OPT_IN,
  STALE_AFTER_DAYS,
];
