import { Inject, Injectable } from '@nestjs/common';
import { Database, type Statement, type Transaction } from '../platform/postgres/database.js';
import { forAnyValue, named, statement } from '../platform/postgres/statement.js';
import type { DurableTier, Tier } from '../platform/tiers.js';
import {
  keyOf,
  type StampedEvent,
  type StoredEntry,
  entryToEnvelope,
  type DurableEnvelope,
} from './events/event.js';
import { APPEND_OBSERVER, type AppendObserver, NO_OBSERVER } from './append-observer.js';
import { appendEvents, pushPolicyOf } from './append.fragments.js';
import { MailboxFragments, missedSince } from './mailbox.fragments.js';
import { MAX_REPLAY, MAX_REPLAY_BYTES, type Position } from './position.js';

const APPEND = statement('append.sql', import.meta.url, {
  appendEvents: appendEvents({ handoffId: '$2::uuid', tier: '$3', isPastKept: true }),
});
const HEADS = named(
  'heads',
  `SELECT user_id AS "userId", epoch, last_offset AS "offset" FROM mailbox WHERE user_id = ANY (${forAnyValue('$1', 'text[]')})`,
);
const PAGE_ROWS = `SELECT * FROM mailbox_entry x
    WHERE x.user_id = $1 AND x."offset" > $2 AND (x.expires_at IS NULL OR x.expires_at > now())
    ORDER BY x."offset" LIMIT $3`;

/** What a device needs to resume. */
export interface Resumption {
  /** The newest position of the mailbox. */
  readonly head: Position;
  /** The events after the device's position; undefined when it cannot be resumed and the device needs the whole state. */
  readonly missed: DurableEnvelope[] | undefined;
}

/** A part of a mailbox. */
export interface EntriesPage {
  /** The newest position of the mailbox. */
  readonly head: Position;
  /** Whether the mailbox does not have the offset after which the page begins. */
  readonly isLost: boolean;
  /** Whether there may be events between the last one of the page and `head`. */
  readonly hasMore: boolean;
  readonly entries: readonly DurableEnvelope[];
}

/** Each user's durable log of events, compacted by key: of the events with one key only the newest is kept. */
@Injectable()
export class MailboxStore {
  private readonly readAfterStatement: Statement;
  private readonly readPageStatement: Statement;

  constructor(
    private readonly database: Database,
    fragments: MailboxFragments,
    @Inject(APPEND_OBSERVER) private readonly observer: AppendObserver = NO_OBSERVER,
  ) {
    this.readAfterStatement = statement('read-after.sql', import.meta.url, fragments.forOwnStatements);
    this.readPageStatement = statement('read-page.sql', import.meta.url, {
      page: fragments.page(PAGE_ROWS),
      missed: missedSince('$2::bigint'),
    });
  }

  /**
   * Appends the events within `tx`, or in one commit of its own, and leaves a handoff for each consumer. Returns the events' positions,
   * in order.
   */
  async append(
    stamped: StampedEvent[],
    handoffId: string,
    lane: DurableTier,
    tx?: Transaction,
  ): Promise<Position[]> {
    const rows = `[${stamped.map((event, n) => this.encodeRow(event, n)).join(',')}]`;
    const values = [rows, handoffId, lane];
    const observed = stamped.filter(({ event }) => this.observer.observes(event.type));
    if (observed.length === 0)
      return positionsOf(
        tx ? await tx.run(APPEND, values) : await this.database.run<AppendedRow>(lane, APPEND, values),
      );
    const appendObserved = async (within: Transaction): Promise<Position[]> => {
      const appended = await within.run<AppendedRow>(APPEND, values);
      await this.observer.onAppend(
        within,
        observed.map(({ event }) => event),
      );
      return positionsOf(appended);
    };
    return tx ? appendObserved(tx) : this.database.transaction(lane, appendObserved);
  }

  /** Returns what each device needs to resume after its position, in order; all read in one snapshot. */
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
      MAX_REPLAY_BYTES,
    ]);
    return rows.map(({ epoch, head, entries }) => ({
      head: { epoch, offset: head },
      missed: entries?.map((entry) => entryToEnvelope(entry, epoch)),
    }));
  }

  /** Returns at most `limit` of the user's events after the offset `after`, in offset order, and no more than fit into PAGE_BYTES. */
  async readPage(userId: string, after: number, limit: number): Promise<EntriesPage> {
    type Row = { epoch: string; head: number; isLost: boolean; entries: StoredEntry[]; hasMore: boolean };
    const [row] = await this.database.run<Row>('important', this.readPageStatement, [userId, after, limit]);
    if (!row) throw new Error('the installation row is missing');
    const { epoch, head, isLost } = row;
    const entries = row.entries.map((entry) => entryToEnvelope(entry, epoch));
    const last = entries.at(-1)?.offset ?? head;
    const hasMore = (row.hasMore || entries.length === limit) && last < head;
    return { head: { epoch, offset: head }, isLost, hasMore, entries };
  }

  /** Returns the newest position of each user's mailbox; users without a mailbox are absent. */
  async readHeads(userIds: readonly string[]): Promise<Map<string, Position>> {
    const rows = await this.database.run<Position & { userId: string }>('important', HEADS, [userIds]);
    return new Map(rows.map(({ userId, epoch, offset }) => [userId, { epoch, offset }]));
  }

  /** Returns one element of append.sql's input. The event's data is included as text if it was encoded before: encoding is costly. */
  private encodeRow({ id, at, event }: StampedEvent, n: number): string {
    const { userId, type, tier, profileId, target } = event;
    const columns = {
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
      push: event.isPushed === false ? 'never' : pushPolicyOf(type, tier),
    };
    const data = event.json ?? JSON.stringify(event.data);
    return `${JSON.stringify(columns).slice(0, -1)},"data":${data}}`;
  }
}

/** The one row that append.sql returns. */
interface AppendedRow {
  readonly positions: readonly (readonly [epoch: string, offset: number])[];
}
const positionsOf = ([row]: readonly AppendedRow[]): Position[] =>
  row?.positions.map(([epoch, offset]) => ({ epoch, offset })) ?? [];
