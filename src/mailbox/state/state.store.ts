import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../platform/postgres/database.js';
import type { Tier } from '../../platform/tiers.js';
import { named } from '../../platform/postgres/statement.js';
import { type Envelope, toEnvelope, type StoredEntry, entryToEnvelope } from '../events/event.js';
import { MailboxFragments } from '../mailbox.fragments.js';
import { type State, STATE_PARTS, type StatePart, type StateRead } from './state.js';

/** The newest events in a state; a mailbox with more keys is read by pages (`/v1/me/entries`). */
const MAX_ENTRIES = 1_000;

const NEWEST_ENTRIES = `SELECT * FROM mailbox_entry x
    WHERE x.user_id = u.user_id AND (x.expires_at IS NULL OR x.expires_at > now())
    ORDER BY x."offset" DESC LIMIT ${MAX_ENTRIES}`;

/** A device that was not connected. `since`: when it was connected last, ISO 8601, as far as it knows. */
export interface Absence {
  readonly userId: string;
  readonly deviceId: string;
  readonly since: string;
}

/** Reads the state of users: the parts that features contribute and the newest events, many users in one statement. */
@Injectable()
export class StateStore {
  private readonly stateStatement: Statement;
  private readonly recentStatement: Statement;

  constructor(
    private readonly database: Database,
    @Inject(STATE_PARTS) private readonly parts: StatePart[],
    fragments: MailboxFragments,
  ) {
    this.stateStatement = named('state', stateSql(parts, fragments.page(NEWEST_ENTRIES)));
    this.recentStatement = named('recent', recentSql(parts));
  }

  /**
   * Returns the state of each user, in order. Each is read in one snapshot, so position and parts belong together. Of the entries it
   * has the first page.
   */
  async read(userIds: string[], lane: Tier): Promise<StateRead[]> {
    const rows = await this.database.run<Record<string, unknown>>(lane, this.stateStatement, [userIds]);
    return rows.map((row) => this.toState(row));
  }

  /** Returns the newest routine events that each device missed since it was connected last, in the order of the absences. */
  async readRecent(absences: readonly Absence[], lane: Tier): Promise<Envelope[][]> {
    const input = JSON.stringify(absences.map((absence, n) => ({ n, ...absence })));
    const rows = await this.database.run<Record<string, unknown>>(lane, this.recentStatement, [input]);
    return rows.map((row) =>
      this.parts.flatMap(({ name, recent }) =>
        (recent?.events(row[name], String(row.userId)) ?? []).map((event) =>
          toEnvelope(randomUUID(), event, String(row.now)),
        ),
      ),
    );
  }

  private toState(row: Record<string, unknown>): StateRead {
    const epoch = String(row.epoch);
    const context = { userId: String(row.user_id), now: String(row.now) };
    const entries = (row.entries as StoredEntry[]).map((entry) => entryToEnvelope(entry, epoch));
    const fields = this.parts.map((part) => part.toFields(row[part.name], context));
    const head = { epoch, offset: Number(row.head) };
    const hasMore = row.hasMore === true;
    const position = { epoch, offset: (hasMore && entries.at(-1)?.offset) || head.offset };
    return { head, state: Object.assign({ position, hasMore }, ...fields, { entries }) as State };
  }
}

function stateSql(parts: StatePart[], page: string): string {
  const columns = parts.map((part) => `(${part.sql}) AS "${part.name}",`).join('\n  ');
  return `SELECT u.user_id, iso(now()) AS now, coalesce(m.epoch, i.epoch) AS epoch, coalesce(m.last_offset, 0) AS head,
  ${columns}
  page.entries, page."hasMore"
FROM unnest($1::text[]) WITH ORDINALITY AS u (user_id, n)
CROSS JOIN installation i
LEFT JOIN mailbox m ON m.user_id = u.user_id
CROSS JOIN LATERAL (${page}) page
ORDER BY u.n`;
}

function recentSql(parts: StatePart[]): string {
  const columns = parts.flatMap(({ name, recent }) => (recent ? [`, (${recent.sql}) AS "${name}"`] : []));
  return `SELECT r."userId", iso(now()) AS now${columns.join('')}
FROM json_to_recordset($1::json) AS r (n int, "userId" text, "deviceId" text, since timestamptz)
ORDER BY r.n`;
}
