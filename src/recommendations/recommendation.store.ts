import { Injectable } from '@nestjs/common';
import { appendEvents, eventTypeColumns } from '../mailbox/append.fragments.js';
import { type AppendedEvent, keyOf, type StampedEvent } from '../mailbox/events/event.js';
import { Database } from '../platform/postgres/database.js';
import { isOutage } from '../platform/postgres/outage.js';
import { named, plannedEachTime, statement } from '../platform/postgres/statement.js';
import { textArray } from '../platform/postgres/text-array.js';
import { Batcher } from '../platform/scheduling/batcher.js';
import type { RecommendationLine } from './recommendation.schema.js';

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
   * Stores the pages that are newer than what is stored and appends their events, in one commit of its own. `pages` must have each
   * user and profile at most once. Returns the events, which the caller then has delivered within `withinMs` (`MailboxService.deliverAppended`).
   */
  async merge(
    pages: readonly NewFrontPage[],
    { handoffId, at, withinMs = 0 }: { handoffId: string; at: string; withinMs?: number | undefined },
  ): Promise<AppendedEvent[]> {
    type Row = { accepted: [n: number, epoch: string, offset: number][] | null };
    const [row] = await this.database.run<Row>('routine', MERGE, [
      ...columnsOf(pages.map(({ page }) => page)),
      textArray(pages.map(({ stamped }) => stamped.id)),
      textArray(pages.map(({ stamped: { id, event } }) => keyOf(id, event))),
      handoffId,
      at,
      withinMs,
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

/** Users, profiles, versions and items, as both statements take them. */
const columnsOf = (pages: readonly RecommendationLine[]): Buffer[] => [
  textArray(pages.map(({ userId }) => userId)),
  textArray(pages.map(({ profileId }) => profileId)),
  textArray(pages.map(({ version }) => JSON.stringify(version))),
  textArray(pages.map(({ items }) => JSON.stringify(items))),
];
