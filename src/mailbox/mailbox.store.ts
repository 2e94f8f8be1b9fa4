import { Injectable } from '@nestjs/common';
import { hasPreferences } from '../devices/device.fragments.js';
import { isOptIn } from '../devices/preferences/preferences.js';
import { Database, type Statement, type Transaction } from '../platform/postgres/database.js';
import { named, statement } from '../platform/postgres/statement.js';
import type { DurableTier, Tier } from '../platform/tiers.js';
import {
  keyOf,
  type NewDurableEvent,
  type NewEvent,
  type StoredEntry,
  entryToEnvelope,
  type DurableEnvelope,
} from './events/event.js';
import { findEventType } from './events/event-types.js';
import { MailboxFragments } from './mailbox.fragments.js';
import { MAX_REPLAY, type Position } from './position.js';

const APPEND = statement('append.sql', import.meta.url, { hasPreferences: hasPreferences('p.user_id') });
const HEADS = named(
  'heads',
  `SELECT user_id AS "userId", epoch, last_offset AS "offset" FROM mailbox WHERE user_id = ANY ($1)`,
);
const EXPIRE = statement('expire-entries.sql', import.meta.url);

/** An event with the id and time that it got at our door. */
export interface StampedEvent<Event extends NewEvent = NewDurableEvent> {
  readonly id: string;
  readonly at: string;
  readonly event: Event;
}

/** What a device that comes back needs: where the mailbox is, and the events since its position unless that is lost. */
export interface Resumption {
  readonly head: Position;
  readonly missed: DurableEnvelope[] | undefined;
}

/** One user's durable log, compacted by key. */
@Injectable()
export class MailboxStore {
  private readonly readAfterStatement: Statement;
  private readonly readPageStatement: Statement;

  constructor(
    private readonly database: Database,
    private readonly fragments: MailboxFragments,
  ) {
    this.readAfterStatement = statement('read-after.sql', import.meta.url, fragments.own);
    this.readPageStatement = statement('read-page.sql', import.meta.url, fragments.own);
  }

  /** Appends in one commit of its own, or within `tx`. Answers each event's place, in order. */
  async append(
    stamped: StampedEvent[],
    handoffId: string,
    lane: DurableTier,
    tx?: Transaction,
  ): Promise<Position[]> {
    const values = [`[${stamped.map((one, n) => this.rowText(one, n)).join(',')}]`, handoffId, lane];
    type Row = { places: [epoch: string, offset: number][] };
    const [row] = tx ? await tx.run<Row>(APPEND, values) : await this.database.run<Row>(lane, APPEND, values);
    return row?.places.map(([epoch, offset]) => ({ epoch, offset })) ?? [];
  }

  /** One answer a request, in order, all of one moment. */
  async readAfter(
    requests: { userId: string; position: Position | undefined }[],
    lane: Tier,
  ): Promise<Resumption[]> {
    const input = requests.map(({ userId, position }, n) => ({
      n,
      userId,
      epoch: position?.epoch,
      after: position?.offset,
    }));
    type Row = { epoch: string; head: number; entries: StoredEntry[] | null };
    const rows = await this.database.run<Row>(lane, this.readAfterStatement, [
      JSON.stringify(input),
      MAX_REPLAY,
    ]);
    return rows.map(({ epoch, head, entries }) => ({
      head: { epoch, offset: head },
      missed: entries?.map((entry) => entryToEnvelope(entry, epoch)),
    }));
  }

  async readPage(
    userId: string,
    after: number,
    limit: number,
  ): Promise<{ head: Position; entries: DurableEnvelope[] }> {
    type Row = { epoch: string; head: number; entries: StoredEntry[] };
    const [row] = await this.database.run<Row>('important', this.readPageStatement, [userId, after, limit]);
    if (!row) throw new Error('the installation row is missing');
    const { epoch, head, entries } = row;
    return { head: { epoch, offset: head }, entries: entries.map((entry) => entryToEnvelope(entry, epoch)) };
  }

  /** Where the mailboxes are; users without one are left out. */
  async readHeads(userIds: readonly string[]): Promise<Map<string, Position>> {
    const rows = await this.database.run<Position & { userId: string }>('important', HEADS, [userIds]);
    return new Map(rows.map(({ userId, epoch, offset }) => [userId, { epoch, offset }]));
  }

  /** How many were removed. */
  async deleteExpired(limit: number): Promise<number> {
    return (await this.database.run('routine', EXPIRE, [limit])).length;
  }

  /** One element of append.sql's input. The event's data goes in as the text that it has, if it has one. */
  private rowText({ id, at, event }: StampedEvent, n: number): string {
    const { userId, type, tier, profileId, target } = event;
    const known = {
      n,
      id,
      userId,
      key: keyOf(id, event),
      type,
      tier,
      profileId,
      target,
      at,
      expiresAt: event.expiresAt?.toISOString(),
      push: pushPolicyOf(type),
    };
    const data = this.fragments.isDerived(type) ? 'null' : (event.json ?? JSON.stringify(event.data));
    return `${JSON.stringify(known).slice(0, -1)},"data":${data}}`;
  }
}

/** Which commits the push consumer takes over, as append.sql understands it. */
function pushPolicyOf(type: string): 'never' | 'opt_in' | undefined {
  if (findEventType(type)?.push === false) return 'never';
  return isOptIn(type) ? 'opt_in' : undefined;
}
