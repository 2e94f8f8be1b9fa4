import { Injectable } from '@nestjs/common';
import { appendEvents, eventTypeColumns } from '../mailbox/append.fragments.js';
import { type AppendedEvent, keyOf, type StampedEvent } from '../mailbox/events/event.js';
import { Database } from '../platform/postgres/database.js';
import { named, plannedEachTime, statement } from '../platform/postgres/statement.js';
import { textArray } from '../platform/postgres/text-array.js';
import type { RecommendationLine } from './recommendation.schema.js';

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

/** A front page to be stored, and its event. */
export interface NewFrontPage {
  readonly page: RecommendationLine;
  readonly stamped: StampedEvent;
}

/** How many pages that were not stored have the version that is stored, and how many of these have other items. The rest is older. */
export interface Comparison {
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
   * Stores the pages that are newer than what is stored and appends their events, in one commit of its own. `pages` must have each
   * user and profile at most once. Returns the events, which the caller then has delivered (`MailboxService.deliverAppended`).
   */
  async merge(pages: readonly NewFrontPage[], handoffId: string, at: string): Promise<AppendedEvent[]> {
    type Row = { accepted: [n: number, epoch: string, offset: number][] | null };
    const [row] = await this.database.run<Row>('routine', MERGE, [
      ...columnsOf(pages.map(({ page }) => page)),
      textArray(pages.map(({ stamped }) => stamped.id)),
      textArray(pages.map(({ stamped: { id, event } }) => keyOf(id, event))),
      handoffId,
      at,
    ]);
    return (row?.accepted ?? []).map(([n, epoch, offset]) => {
      const { stamped } = pages[n - 1] as NewFrontPage;
      return { stamped, position: { epoch, offset } };
    });
  }

  /** Compares pages that a merge did not store with what is stored. */
  async compare(pages: readonly RecommendationLine[]): Promise<Comparison> {
    const [row] = await this.database.run<Comparison>('routine', COMPARE, columnsOf(pages));
    return row ?? { unchanged: 0, conflicting: 0 };
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

/** Users, profiles, versions and items, as both statements take them. */
const columnsOf = (pages: readonly RecommendationLine[]): Buffer[] => [
  textArray(pages.map(({ userId }) => userId)),
  textArray(pages.map(({ profileId }) => profileId)),
  textArray(pages.map(({ version }) => JSON.stringify(version))),
  textArray(pages.map(({ items }) => JSON.stringify(items))),
];
