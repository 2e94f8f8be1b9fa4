import { Injectable } from '@nestjs/common';
import { appendEvents, eventTypeColumns } from '../mailbox/append.fragments.js';
import { Database } from '../platform/postgres/database.js';
import { isOutage } from '../platform/postgres/outage.js';
import { named, plannedEachTime, statement } from '../platform/postgres/statement.js';
import { Batcher } from '../platform/scheduling/batcher.js';
import type { MergedPage, PageColumns } from './ingest/page-columns.js';

const MERGE = plannedEachTime(
  statement('merge-front-pages.sql', import.meta.url, {
    eventType: eventTypeColumns('recommendations.ready'),
    appendEvents: appendEvents({
      handoffId: '$7::uuid',
      tier: `'important'`,
      isPastKept: false,
      dueFrom: `now() + $9::int * interval '1 millisecond'`,
    }),
  }),
);
const COMPARE = plannedEachTime(statement('compare-front-pages.sql', import.meta.url));
const READ = named(
  'front-pages',
  `SELECT i.n, r.version, r.items::text AS items
   FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i (user_id, profile_id, n)
   CROSS JOIN LATERAL (SELECT * FROM recommendation r WHERE r.user_id = i.user_id AND r.profile_id = i.profile_id LIMIT 1) AS r`,
);

/** A user has few profiles; more are left out. */
const MAX_PROFILES = 100;
const LIST = named(
  'front-pages-of-user',
  `SELECT profile_id AS "profileId", version, items, iso(updated_at) AS "updatedAt" FROM recommendation
   WHERE user_id = $1 ORDER BY profile_id LIMIT ${MAX_PROFILES}`,
);

/** What is known of pages: those whose version is stored, or a newer one, by their places from 0; how many are stored with that version, and how many of these with other items. */
export interface Comparison {
  readonly known: readonly number[];
  readonly unchanged: number;
  readonly conflicting: number;
}

/** A stored front page; its items are JSON text, as the nightly file had them. */
export interface FrontPage {
  readonly version: number | string;
  readonly items: string;
}

/** A front page of one of a user's profiles, with when it was stored (ISO 8601). */
export interface ProfileFrontPage {
  readonly profileId: string;
  readonly version: number | string;
  readonly items: readonly unknown[];
  readonly updatedAt: string;
}

/** Pages of up to 256 KiB that one statement reads. */
const READ_SIZE = 50;
/** Of the four connections of a lane that also reads mailboxes for devices that connect. */
const READ_CONCURRENCY = 2;
const READ_CAPACITY = 20_000;

type PageKey = readonly [userId: string, profileId: string];

/** The newest front page of each user and profile. Reads that arrive together become one statement. */
@Injectable()
export class RecommendationStore {
  private readonly reads = new Batcher<PageKey, FrontPage | undefined>({
    runBatch: (keys) => this.readAll(keys),
    size: READ_SIZE,
    concurrency: READ_CONCURRENCY,
    capacity: READ_CAPACITY,
    isolate: (error) => !isOutage(error),
  });

  constructor(private readonly database: Database) {}

  /**
   * Stores the pages that are newer than what is stored and appends their events, in one commit of its own. Returns these, and the caller
   * has their events delivered within `withinMs` (`MailboxService.deliverAppended`).
   */
  async merge(
    { userIds, profileIds, versions, items, ids, keys }: PageColumns,
    { handoffId, at, withinMs = 0 }: { handoffId: string; at: string; withinMs?: number | undefined },
  ): Promise<MergedPage[]> {
    type Row = { accepted: [n: number, epoch: string, offset: number][] | null };
    const values = [userIds, profileIds, versions, items, ids, keys, handoffId, at, withinMs];
    const [row] = await this.database.run<Row>('routine', MERGE, values);
    return (row?.accepted ?? []).map(([n, epoch, offset]) => ({ row: n - 1, position: { epoch, offset } }));
  }

  /** Compares pages with what is stored, and changes nothing. */
  async compare({ userIds, profileIds, versions, items }: PageColumns): Promise<Comparison> {
    const values = [userIds, profileIds, versions, items];
    const [row] = await this.database.run<Comparison>('routine', COMPARE, values);
    const { known = [], unchanged = 0, conflicting = 0 } = row ?? {};
    return { known: known.map((n) => n - 1), unchanged, conflicting };
  }

  /** The newest front page; undefined when the profile has none yet. Throws QueueFull when too many reads are waiting. */
  read(userId: string, profileId: string): Promise<FrontPage | undefined> {
    return this.reads.add([userId, profileId]);
  }

  /** The newest front page of each of the user's profiles, by their ids. */
  listOf(userId: string): Promise<ProfileFrontPage[]> {
    return this.database.run('important', LIST, [userId]);
  }

  private async readAll(keys: readonly PageKey[]): Promise<(FrontPage | undefined)[]> {
    const columns = [keys.map(([userId]) => userId), keys.map(([, profileId]) => profileId)];
    const rows = await this.database.run<FrontPage & { n: number }>('important', READ, columns);
    const pages = new Map(rows.map((page) => [page.n, page]));
    return keys.map((_, index) => pages.get(index + 1));
  }
}
