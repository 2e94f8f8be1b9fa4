import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { Database, type Statement } from '../../platform/postgres/database.js';
import { statement } from '../../platform/postgres/statement.js';
import type { RollupQuery } from './rollup-query.js';
import type { GroupCounts } from './series.js';
import { isoStarts } from './time-buckets.js';

/** Buckets that are as wide as the roll-ups are read row by row: to group them takes PostgreSQL several times as long as to read them. */
const COUNTS = {
  single: { counts: 'r.people, r.machines', grouping: '' },
  // Sums of bigint are numeric, which takes several times as long; a double is exact up to 2^53.
  added: {
    counts: 'sum(r.people::float8) AS people, sum(r.machines::float8) AS machines',
    grouping: 'GROUP BY 1, 2',
  },
};
const KINDS = { one: 'r.kind = $9::text', each: `r.kind <> '*' AND $9::text IS NULL` };
const readOf = (counts: keyof typeof COUNTS, kinds: keyof typeof KINDS): Statement =>
  statement('read-rollups.sql', import.meta.url, { ...COUNTS[counts], kinds: KINDS[kinds] });
/** By whether rows are added, and of how many kinds they are. */
export const READ_ROLLUPS = {
  single: { one: readOf('single', 'one'), each: readOf('single', 'each') },
  added: { one: readOf('added', 'one'), each: readOf('added', 'each') },
};
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
    const { grain, interval, team = '*', campaign = '*', groupBy = 'none', starts, end } = query;
    const dimension = groupBy === 'kind' || groupBy === 'none' ? 'all' : groupBy;
    const kind = kindOf(query);
    const read = READ_ROLLUPS[interval === grain ? 'single' : 'added'][kind === null ? 'each' : 'one'];
    const rows = await this.database.run<GroupRow>('important', read, [
      ...[grain, team, campaign, dimension],
      ...[isoStarts(starts), new Date(end).toISOString()],
      ...[groupBy === 'kind', MAX_COUNTS + 1, kind],
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

/** Returns the kind whose rows are read; null: those of each, which without groups are added. Minutes of all kinds are not kept. */
function kindOf({ kind, groupBy, grain }: RollupQuery): string | null {
  return kind ?? (groupBy === 'kind' || grain === 'minute' ? null : '*');
}
