import { Injectable } from '@nestjs/common';
import { isMessage } from '../../messages/queue/message.fragments.js';
import { Database } from '../../platform/postgres/database.js';
import { plannedEachTime, statement } from '../../platform/postgres/statement.js';
import type { EngagementEvent } from '../engagement-event.js';

const RECORD = plannedEachTime(
  statement('record-engagement.sql', import.meta.url, {
    isMessage: isMessage({ id: 'g."messageId"', userId: 'g."userId"' }),
  }),
);
const DATE_LENGTH = '2026-11-26'.length;

/** An event that was done with a message counts only while that is there. */
export type StoredEngagement = EngagementEvent & { readonly messageId?: string };

/** What people did: the table engagement_event. */
@Injectable()
export class EngagementEventStore {
  constructor(private readonly database: Database) {}

  /** Stores the events of several calls; those that are known change nothing. Returns for each call how many were new. */
  async record(calls: readonly (readonly StoredEngagement[])[]): Promise<number[]> {
    const rows = calls.flatMap((events, n) =>
      events.map(({ day, ...event }) => ({ n, day: day ?? event.at.slice(0, DATE_LENGTH), ...event })),
    );
    type Row = { n: number; new: number };
    const counts = await this.database.run<Row>('routine', RECORD, [JSON.stringify(rows)]);
    const byCall = new Map(counts.map((row) => [row.n, row.new]));
    return calls.map((_, n) => byCall.get(n) ?? 0);
  }
}
