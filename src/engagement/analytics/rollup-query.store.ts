import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { Database } from '../../platform/postgres/database.js';
import { statement } from '../../platform/postgres/statement.js';
import type { RollupQuery } from './rollup-query.js';
import type { GroupCounts } from './series.js';
import { isoStarts } from './time-buckets.js';

const READ = statement('read-rollups.sql', import.meta.url);
/** Counts of one answer, some 3 MB in memory: 1,500 buckets of sixty groups. */
const MAX_COUNTS = 100_000;

/** The numbers of a PostgreSQL array: `{1,2}`. */
const numbersOf = (array: string): number[] => JSON.parse(`[${array.slice(1, -1)}]`) as number[];

interface GroupRow {
  readonly group: string;
  readonly buckets: string;
  readonly people: string;
  readonly machines: string;
}

/** The roll-ups, as they are asked for. */
@Injectable()
export class RollupQueryStore {
  constructor(private readonly database: Database) {}

  /** Returns the counts that are not 0. Throws Problem too_many_buckets for one that would have too many. */
  async read(query: RollupQuery): Promise<GroupCounts[]> {
    const { grain, team = '*', campaign = '*', kind = null, groupBy = 'none', starts, end } = query;
    // Without groups all kinds are one: the value of 'all' is the same for each.
    const dimension = groupBy === 'kind' || groupBy === 'none' ? 'all' : groupBy;
    const of = [grain, team, campaign, dimension, kind];
    const buckets = [isoStarts(starts), new Date(end).toISOString()];
    const rows = await this.database.run<GroupRow>('important', READ, [
      ...of,
      ...buckets,
      groupBy === 'kind',
      MAX_COUNTS + 1,
    ]);
    const counts = rows.map((row) => ({
      group: row.group,
      buckets: numbersOf(row.buckets),
      people: numbersOf(row.people),
      machines: numbersOf(row.machines),
    }));
    if (counts.reduce((sum, one) => sum + one.buckets.length, 0) > MAX_COUNTS)
      throw new Problem(
        'too_many_buckets',
        'There are too many groups for so many buckets: filter, or take wider buckets.',
      );
    return counts;
  }
}
