import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { named, statement } from '../platform/postgres/statement.js';
import type { RecommendationLine } from './recommendation.schema.js';

const MERGE = statement('merge.sql', import.meta.url);
const READ = named(
  'front-page',
  'SELECT version, items FROM recommendation WHERE user_id = $1 AND profile_id = $2',
);

export type Outcome = 'accepted' | 'unchanged' | 'stale';

export interface FrontPage {
  readonly version: number | string;
  readonly items: readonly unknown[];
}

@Injectable()
export class RecommendationStore {
  constructor(private readonly database: Database) {}

  /** One outcome a line, in order; each user and profile at most once. */
  async merge(tx: Transaction, lines: readonly RecommendationLine[]): Promise<Outcome[]> {
    const rows = lines.map((line, n) => ({ n, ...line }));
    return (await tx.run<{ outcome: Outcome }>(MERGE, [JSON.stringify(rows)])).map(({ outcome }) => outcome);
  }

  async read(userId: string, profileId: string): Promise<FrontPage | undefined> {
    const [page] = await this.database.run<FrontPage>('important', READ, [userId, profileId]);
    return page;
  }
}
