import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { named, statement } from '../platform/postgres/statement.js';
import { textArray } from '../platform/postgres/text-array.js';
import type { RecommendationLine } from './recommendation.schema.js';

const MERGE = statement('merge-front-pages.sql', import.meta.url);
const READ = named(
  'front-page',
  'SELECT version, items FROM recommendation WHERE user_id = $1 AND profile_id = $2',
);

/** The outcome of a merge. Pages that are neither accepted nor unchanged were older than what is stored. */
export interface MergeResult {
  readonly accepted: readonly RecommendationLine[];
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

  /** Stores the pages that are newer than what is stored. `pages` must have each user and profile at most once. */
  async merge(tx: Transaction, pages: readonly RecommendationLine[]): Promise<MergeResult> {
    const column = (of: (page: RecommendationLine) => string) => textArray(pages.map(of));
    const [row] = await tx.run<{ accepted: number[]; unchanged: number }>(MERGE, [
      column(({ userId }) => userId),
      column(({ profileId }) => profileId),
      column(({ version }) => JSON.stringify(version)),
      column(({ items }) => JSON.stringify(items)),
      new Date(),
    ]);
    const accepted = new Set(row?.accepted);
    return { accepted: pages.filter((_, n) => accepted.has(n + 1)), unchanged: row?.unchanged ?? 0 };
  }

  /** The newest front page; undefined when the profile has none yet. */
  async read(userId: string, profileId: string): Promise<FrontPage | undefined> {
    const [page] = await this.database.run<FrontPage>('important', READ, [userId, profileId]);
    return page;
  }
}
