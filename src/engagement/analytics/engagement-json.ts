import { createHash } from 'node:crypto';
import type { RollupQuery } from './rollup-query.js';
import { type GroupCounts, toSeries } from './series.js';
import { isoStarts } from './time-buckets.js';

/** An answer as it is sent. */
export interface EncodedAnswer {
  /** JSON (engagementResponse). */
  readonly body: Buffer;
  /** As in the header of this name. */
  readonly etag: string;
}

/** Returns what an answer says of the counts, as JSON: from, to, interval, timezone, buckets, series and others. */
export function toJson(
  { starts, end, interval, timezone }: RollupQuery,
  counts: readonly GroupCounts[],
): string {
  const buckets = isoStarts(starts);
  const window = { from: buckets[0], to: new Date(end).toISOString(), interval, timezone };
  return JSON.stringify({ ...window, buckets, ...toSeries(counts, starts.length) });
}

/** Returns the answer with this JSON, and what it says besides: up to when what came in is counted (ISO 8601). */
export function encodeAnswer(json: string, rolledUpTo: string): EncodedAnswer {
  const body = Buffer.from(`{"rolledUpTo":"${rolledUpTo}",${json.slice(1)}`);
  return { body, etag: `"${createHash('sha1').update(body).digest('base64url')}"` };
}
