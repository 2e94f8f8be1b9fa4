import { Injectable } from '@nestjs/common';
import { appendEvents, eventTypeColumns } from '../mailbox/append.fragments.js';
import { Database } from '../platform/postgres/database.js';
import { named, plannedEachTime, statement } from '../platform/postgres/statement.js';
import type { MergedPage, PageColumns } from './ingest/page-columns.js';

const MERGE = plannedEachTime(
  statement('merge-front-pages.sql', import.meta.url, {
    eventType: eventTypeColumns('recommendations.ready'),
    appendEvents: appendEvents({ handoffId: '$7::uuid', tier: `'important'`, isPastKept: false }),
  }),
);
const COMPARE = plannedEachTime(statement('compare-front-pages.sql', import.meta.url));
const READ = named(
  'front-page',
  'SELECT version, items FROM recommendation WHERE user_id = $1 AND profile_id = $2',
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

/** A stored front page; its items are as the nightly file had them. */
export interface FrontPage {
  readonly version: number | string;
  readonly items: readonly unknown[];
}

/** A front page of one of a user's profiles, with when it was stored (ISO 8601). */
export interface ProfileFrontPage extends FrontPage {
  readonly profileId: string;
  readonly updatedAt: string;
}

/** The newest front page of each user and profile. */
@Injectable()
export class RecommendationStore {
  constructor(private readonly database: Database) {}

  /**
   * Stores the pages that are newer than what is stored and appends their events, in one commit of its own. Returns these, and the caller
   * has their events delivered (`MailboxService.deliverAppended`).
   */
  async merge(pages: PageColumns, handoffId: string, at: string): Promise<MergedPage[]> {
    type Row = { accepted: [n: number, epoch: string, offset: number][] | null };
    const { userIds, profileIds, versions, items, ids, keys } = pages;
    const values = [userIds, profileIds, versions, items, ids, keys, handoffId, at];
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

  /** The newest front page; undefined when the profile has none yet. */
  async read(userId: string, profileId: string): Promise<FrontPage | undefined> {
    const [page] = await this.database.run<FrontPage>('important', READ, [userId, profileId]);
    return page;
  }

  /** The newest front page of each of the user's profiles, by their ids. */
  listOf(userId: string): Promise<ProfileFrontPage[]> {
    return this.database.run('important', LIST, [userId]);
  }
}
