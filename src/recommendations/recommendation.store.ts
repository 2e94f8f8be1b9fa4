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

/** What became of some front pages; what is neither accepted nor unchanged is stale. */
export interface MergeResult {
  readonly accepted: readonly RecommendationLine[];
  readonly unchanged: number;
}

export interface FrontPage {
  readonly version: number | string;
  readonly items: readonly unknown[];
}

/** The newest front page of each user and profile. */
@Injectable()
export class RecommendationStore {
  constructor(private readonly database: Database) {}

  /** Keeps the pages that are newer than what stood; each user and profile at most once. */
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

  /** Undefined before the first page. */
  async read(userId: string, profileId: string): Promise<FrontPage | undefined> {
    const [page] = await this.database.run<FrontPage>('important', READ, [userId, profileId]);
    return page;
  }
}
