import { Injectable } from '@nestjs/common';
import type { ObservedEvent } from '../../mailbox/append-observer.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named, statement } from '../../platform/postgres/statement.js';
import { anyShard } from '../definitions/funnel.js';

const TYPES = named(
  'campaign-goal-types',
  `SELECT DISTINCT c.body #>> '{goal,eventType}' AS type FROM campaign c
   WHERE c.body #>> '{goal,eventType}' IS NOT NULL
     AND (c.ended_at IS NULL OR c.ended_at > now() - (c.body #>> '{goal,withinHours}')::int * interval '1 hour')`,
);
const CONVERT = statement('record-conversions.sql', import.meta.url);

/** What campaigns hope for, and which members did it. */
@Injectable()
export class GoalStore {
  constructor(private readonly database: Database) {}

  /** Returns the types of events that are the goal of a campaign for which they still count. */
  async types(): Promise<string[]> {
    return (await this.database.run<{ type: string }>('routine', TYPES, [])).map(({ type }) => type);
  }

  /** Writes which members did what they were hoped to do, by events of these users: each member once. */
  async convert(tx: Transaction, events: readonly ObservedEvent[]): Promise<void> {
    await tx.run(CONVERT, [JSON.stringify(events), anyShard()]);
  }
}
