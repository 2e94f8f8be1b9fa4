import { Injectable } from '@nestjs/common';
import type { Position } from '../mailbox/position.js';
import { Database } from '../platform/postgres/database.js';
import { named, statement } from '../platform/postgres/statement.js';
import { textArray } from '../platform/postgres/text-array.js';
import type { RecommendationLine } from './recommendation.schema.js';

const NIGHT = statement('merge-front-pages.sql', import.meta.url);
const READ = named(
  'front-page',
  'SELECT version, items FROM recommendation WHERE user_id = $1 AND profile_id = $2',
);

interface MergedRow {
  readonly places: readonly [n: number, epoch: string, offset: number][] | null;
  readonly unchanged: number;
}

/** A front page, with the id of the event that says so. */
export interface NewFrontPage {
  readonly page: RecommendationLine;
  readonly id: string;
}

/** A front page that is newer than what stood, and where its event is. */
export interface AcceptedFrontPage extends NewFrontPage {
  readonly place: Position;
}

/** What became of some front pages; what is neither accepted nor unchanged is stale. */
export interface MergeResult {
  readonly accepted: readonly AcceptedFrontPage[];
  readonly unchanged: number;
}

export interface FrontPage {
  readonly version: number | string;
  readonly items: readonly unknown[];
}

@Injectable()
export class RecommendationStore {
  constructor(private readonly database: Database) {}

  /** Keeps what is newer and appends its events, in one commit of its own; each user and profile at most once. */
  async merge(pages: readonly NewFrontPage[], handoffId: string, at: string): Promise<MergeResult> {
    const column = (of: (page: NewFrontPage) => string) => textArray(pages.map(of));
    const values = [
      column(({ page }) => page.userId),
      column(({ page }) => page.profileId),
      column(({ page }) => JSON.stringify(page.version)),
      column(({ page }) => JSON.stringify(page.items)),
      column(({ id }) => id),
      handoffId,
      at,
    ];
    const [row] = await this.database.run<MergedRow>('routine', NIGHT, values);
    const accepted = (row?.places ?? []).map(([n, epoch, offset]) => {
      const { page, id } = pages[n - 1] as NewFrontPage;
      return { page, id, place: { epoch, offset } };
    });
    return { accepted, unchanged: row?.unchanged ?? 0 };
  }

  async read(userId: string, profileId: string): Promise<FrontPage | undefined> {
    const [page] = await this.database.run<FrontPage>('important', READ, [userId, profileId]);
    return page;
  }
}
