import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { Database } from '../../platform/postgres/database.js';
import { statement } from '../../platform/postgres/statement.js';
import type { RollupQuery } from './rollup-query.js';
import type { BucketCount } from './series.js';

const READ = statement('read-rollups.sql', import.meta.url);
/** Rows of one answer, some 15 MB in memory: 1,500 buckets of sixty groups. */
const MAX_ROWS = 100_000;

const text = (ms: number): string => new Date(ms).toISOString();

/** The roll-ups, as they are asked for. */
@Injectable()
export class RollupQueryStore {
  constructor(private readonly database: Database) {}

  /** Returns the counts that are not 0. Throws Problem too_many_buckets for one that would have too many. */
  async read(query: RollupQuery): Promise<BucketCount[]> {
    const { grain, team = '*', campaign = '*', kind = null, groupBy = 'none', starts, end } = query;
    // Without groups all kinds are one: the value of 'all' is the same for each.
    const dimension = groupBy === 'kind' || groupBy === 'none' ? 'all' : groupBy;
    const of = [grain, team, campaign, dimension, kind];
    const buckets = [starts.map(text), text(end)];
    const rows = await this.database.run<BucketCount>('important', READ, [
      ...of,
      ...buckets,
      groupBy === 'kind',
      MAX_ROWS + 1,
    ]);
    if (rows.length > MAX_ROWS)
      throw new Problem(
        'too_many_buckets',
        'There are too many groups for so many buckets: filter, or take wider buckets.',
      );
    return rows;
  }
}
