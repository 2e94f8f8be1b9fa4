import { describe, expect, test } from '@jest/globals';
import { type BucketInterval, MAX_BUCKETS, splitBuckets, timeBuckets } from './time-buckets.js';

const bucketsOf = (from: string, to: string, interval: BucketInterval, timezone = 'UTC') =>
  timeBuckets({ from: Date.parse(from), to: Date.parse(to), interval, timezone });
const texts = (times: readonly number[] = []) =>
  times.map((time) => new Date(time).toISOString().slice(0, 16));

describe('buckets', () => {
  test('begin with the one that `from` is in, and end with the one that `to` is in', () => {
    const hours = bucketsOf('2026-11-26T10:30:00Z', '2026-11-26T12:00:01Z', 'hour');
    expect(texts(hours?.starts)).toEqual(['2026-11-26T10:00', '2026-11-26T11:00', '2026-11-26T12:00']);
    expect(hours).toMatchObject({ end: Date.parse('2026-11-26T13:00:00Z'), grain: 'hour' });
  });

  test('of days begin at midnight where people are, on the days on which clocks change too', () => {
    const days = bucketsOf('2026-10-24T12:00:00Z', '2026-10-26T12:00:00Z', 'day', 'Europe/Berlin');
    expect(texts(days?.starts)).toEqual(['2026-10-23T22:00', '2026-10-24T22:00', '2026-10-25T23:00']);
    expect(days).toMatchObject({ end: Date.parse('2026-10-26T23:00:00Z'), grain: 'hour' });
  });

  test('of weeks begin on Monday', () => {
    const weeks = bucketsOf('2026-11-26T00:00:00Z', '2026-12-01T00:00:00Z', 'week');
    expect(texts(weeks?.starts)).toEqual(['2026-11-23T00:00', '2026-11-30T00:00']);
    expect(weeks?.grain).toBe('day');
  });

  test('are made of minutes where days begin at half past an hour', () => {
    expect(bucketsOf('2026-11-20T00:00:00Z', '2026-11-26T00:00:00Z', 'day', 'Asia/Kolkata')?.grain).toBe(
      'minute',
    );
  });

  test('are never more than an answer may have', () => {
    const from = Date.parse('2026-01-01T00:00:00Z');
    const minutes = (count: number) =>
      timeBuckets({ from, to: from + count * 60_000, interval: 'minute', timezone: 'UTC' });
    expect(minutes(MAX_BUCKETS)?.starts).toHaveLength(MAX_BUCKETS);
    expect(minutes(MAX_BUCKETS + 1)).toBeUndefined();
    expect(bucketsOf('1990-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 'day', 'Europe/Berlin')).toBeUndefined();
  });
});

test('what can change no more is told apart from what can: a bucket that is both can change', () => {
  const days = bucketsOf('2026-11-20T00:00:00Z', '2026-11-23T00:00:00Z', 'day');
  if (!days) throw new Error('too many');
  const { settled, recent } = splitBuckets(days, Date.parse('2026-11-21T12:00:00Z'));
  expect(texts(settled?.starts)).toEqual(['2026-11-20T00:00']);
  expect(settled?.end).toBe(Date.parse('2026-11-21T00:00:00Z'));
  expect(texts(recent?.starts)).toEqual(['2026-11-21T00:00', '2026-11-22T00:00']);
  expect(splitBuckets(days, 0)).toEqual({ recent: days });
  expect(splitBuckets(days, Date.parse('2026-12-01T00:00:00Z'))).toEqual({ settled: days });
});
