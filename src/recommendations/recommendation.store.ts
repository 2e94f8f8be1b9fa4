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
    appendEvents: appendEvents({ handoffId: '$7::uuid', tier: `'important'` }),
  }),
);
const READ = named(
  'front-page',
  'SELECT version, items FROM recommendation WHERE user_id = $1 AND profile_id = $2',
);

/** A front page to be stored, and its event. */
export interface NewFrontPage {
  readonly page: RecommendationLine;
  readonly stamped: StampedEvent;
}

/** The outcome of a merge. Pages that are neither accepted nor unchanged were older than what is stored. */
export interface MergeResult {
  readonly accepted: readonly AppendedEvent[];
  readonly unchanged: number;
}

/** A stored front page; its items are as the nightly file had them. */
export interface FrontPage {
  readonly version: number | string;
  readonly items: readonly unknown[];
}

/** The newest front page of each user and profile. */
@Injectable()
export class RecommendationStore {
  constructor(private readonly database: Database) {}

  /**
   * Stores the pages that are newer than what is stored and appends their events, in one commit of its own. `pages` must have each
   * user and profile at most once. The caller then has the events delivered (`MailboxService.deliverAppended`).
   */
  async merge(pages: readonly NewFrontPage[], handoffId: string, at: string): Promise<MergeResult> {
    const column = (of: (page: NewFrontPage) => string) => textArray(pages.map(of));
    type Row = { accepted: [n: number, epoch: string, offset: number][] | null; unchanged: number };
    const [row] = await this.database.run<Row>('routine', MERGE, [
      column(({ page }) => page.userId),
      column(({ page }) => page.profileId),
      column(({ page }) => JSON.stringify(page.version)),
      column(({ page }) => JSON.stringify(page.items)),
      column(({ stamped }) => stamped.id),
      column(({ stamped: { id, event } }) => keyOf(id, event)),
      handoffId,
      at,
    ]);
    const accepted = (row?.accepted ?? []).map(([n, epoch, offset]): AppendedEvent => {
      const { stamped } = pages[n - 1] as NewFrontPage;
      return { stamped, position: { epoch, offset } };
    });
    return { accepted, unchanged: row?.unchanged ?? 0 };
  }

  /** The newest front page; undefined when the profile has none yet. */
  async read(userId: string, profileId: string): Promise<FrontPage | undefined> {
    const [page] = await this.database.run<FrontPage>('important', READ, [userId, profileId]);
    return page;
  }
}
