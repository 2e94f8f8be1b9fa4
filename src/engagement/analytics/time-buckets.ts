import { Temporal } from 'temporal-polyfill';
import { growingCache } from '../../platform/growing-cache.js';

/** The widths of buckets. Weeks begin on Monday. */
export const BUCKET_INTERVALS = ['minute', 'hour', 'day', 'week'] as const;
/** One of BUCKET_INTERVALS. */
export type BucketInterval = (typeof BUCKET_INTERVALS)[number];

/** The roll-ups that there are. */
export type RollupGrain = 'minute' | 'hour' | 'day';

/** Buckets of one answer: a day of minutes, two months of hours, four years of days. */
export const MAX_BUCKETS = 1_500;

/** What is asked for; times are ms since 1970. */
export interface BucketWindow {
  readonly from: number;
  readonly to: number;
  readonly interval: BucketInterval;
  /** IANA; days and weeks begin at its midnight. */
  readonly timezone: string;
}

/** Buckets that follow each other: where each begins, and where the last one ends, in ms since 1970. */
export interface TimeBuckets {
  readonly starts: readonly number[];
  readonly end: number;
  /** The widest roll-ups of which each bucket is made. */
  readonly grain: RollupGrain;
  readonly interval: BucketInterval;
  readonly timezone: string;
}

const MS = { minute: 60_000, hour: 3_600_000 } as const;
const HOUR_MS = MS.hour;
const DAY_MS = 24 * HOUR_MS;
const DAYS_OF_WEEK = 7;
/** Counted from Monday, 0. */
const THURSDAY = 3;

/** By interval, zone, and the minutes that `from` and `to` are in, which no bucket is narrower than: what a dashboard asks for is the same until one is over. */
const madeBuckets = growingCache<TimeBuckets>(500);

/** Returns the buckets from the one that `from` is in to the one that ends at or after `to`; undefined when they are more than MAX_BUCKETS. */
export function timeBuckets(window: BucketWindow): TimeBuckets | undefined {
  const { from, to, interval, timezone } = window;
  const key = `${interval} ${timezone} ${Math.floor(from / MS.minute)} ${Math.ceil(to / MS.minute)}`;
  const known = madeBuckets.get(key);
  if (known) return known;
  const made =
    interval === 'minute' || interval === 'hour' ? evenBuckets(window, interval) : localBuckets(window);
  if (made) madeBuckets.set(key, made);
  return made;
}

function evenBuckets(
  { from, to, timezone }: BucketWindow,
  interval: keyof typeof MS,
): TimeBuckets | undefined {
  const width = MS[interval];
  const first = Math.floor(from / width) * width;
  const count = Math.max(1, Math.ceil((to - first) / width));
  if (count > MAX_BUCKETS) return undefined;
  const starts = Array.from({ length: count }, (_, n) => first + n * width);
  return { starts, end: first + count * width, grain: interval, interval, timezone };
}

/** Days of a zone are 23 to 25 hours long, and begin where the zone's clocks say. Days are numbers since 1970-01-01, a Thursday. */
function localBuckets({ from, to, interval, timezone }: BucketWindow): TimeBuckets | undefined {
  const days = interval === 'week' ? DAYS_OF_WEEK : 1;
  const first = localDay(from, timezone);
  const monday = first - ((first + THURSDAY) % DAYS_OF_WEEK);
  let day = interval === 'week' ? monday : first;
  const starts = [midnight(day, timezone)];
  let end = midnight((day += days), timezone);
  while (end < to) {
    if (starts.length === MAX_BUCKETS) return undefined;
    starts.push(end);
    end = midnight((day += days), timezone);
  }
  return { starts, end, grain: grainOf([...starts, end], timezone), interval, timezone };
}

function localDay(ms: number, timezone: string): number {
  if (timezone === 'UTC') return Math.floor(ms / DAY_MS);
  const date = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timezone).toPlainDate();
  return Date.parse(date.toString()) / DAY_MS;
}

/** Temporal takes a tenth of a millisecond for each: a year of days would hold up everybody else. */
const midnights = growingCache<number>(50_000);

function midnight(day: number, timezone: string): number {
  if (timezone === 'UTC') return day * DAY_MS;
  const key = `${timezone} ${day}`;
  const known = midnights.get(key);
  if (known !== undefined) return known;
  const date = Temporal.PlainDate.from(new Date(day * DAY_MS).toISOString().slice(0, 'yyyy-mm-dd'.length));
  const found = date.toZonedDateTime(timezone).epochMilliseconds;
  midnights.set(key, found);
  return found;
}

/** Where days begin at half past an hour, they cannot be made of hours. */
function grainOf(bounds: readonly number[], timezone: string): RollupGrain {
  if (timezone === 'UTC') return 'day';
  return bounds.every((bound) => bound % HOUR_MS === 0) ? 'hour' : 'minute';
}

const startTexts = new WeakMap<readonly number[], readonly string[]>();

/** Returns where each bucket begins, in ISO 8601. */
export function isoStarts(starts: readonly number[]): readonly string[] {
  const known = startTexts.get(starts);
  if (known) return known;
  const made = starts.map((ms) => new Date(ms).toISOString());
  startTexts.set(starts, made);
  return made;
}

/** The last cut of each list: the same windows are asked for again and again, and what is made of their parts is kept by the part. */
const cuts = new WeakMap<readonly number[], readonly [before: readonly number[], after: readonly number[]]>();

function cutAt(starts: readonly number[], count: number): readonly [readonly number[], readonly number[]] {
  const known = cuts.get(starts);
  if (known?.[0].length === count) return known;
  const made = [starts.slice(0, count), starts.slice(count)] as const;
  cuts.set(starts, made);
  return made;
}

/**
 * Returns the buckets in two parts: those that end by `settledBefore`, after which nothing in them can change, and the others. Either may be
 * missing.
 */
export function splitBuckets(
  { starts, end, ...kind }: TimeBuckets,
  settledBefore: number,
): { settled?: TimeBuckets; recent?: TimeBuckets } {
  // A bucket ends where the next one begins.
  const found = starts.findIndex((_, n) => (starts[n + 1] ?? end) > settledBefore);
  const count = found === -1 ? starts.length : found;
  const [before, after] = cutAt(starts, count);
  return {
    ...(before.length > 0 && { settled: { starts: before, end: after[0] ?? end, ...kind } }),
    ...(after.length > 0 && { recent: { starts: after, end, ...kind } }),
  };
}
