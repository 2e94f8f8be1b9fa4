import type { RollupQuery } from './rollup-query.js';
import { type BucketCount, toSeries } from './series.js';

const iso = (ms: number): string => new Date(ms).toISOString();

/** Returns what an answer says of the counts, as JSON: from, to, buckets, series and others. */
export function toJson({ starts, end }: RollupQuery, counts: readonly BucketCount[]): string {
  const buckets = starts.map(iso);
  return JSON.stringify({ from: buckets[0], to: iso(end), buckets, ...toSeries(counts, starts.length) });
}

/** Returns the JSON object with these members first. */
export const withMembers = (members: Readonly<Record<string, string>>, object: string): string =>
  `${JSON.stringify(members).slice(0, -1)},${object.slice(1)}`;
