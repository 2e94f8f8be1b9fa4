import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isTimeZone, quietHoursEnd } from './quiet-hours.js';

const night = { start: '22:00', end: '07:00' };
const until = (hours: { start: string; end: string }, now: string, timezone = 'UTC') =>
  quietHoursEnd(hours, new Date(now), timezone)?.toISOString();

describe('quiet hours', () => {
  test.each([
    ['before midnight', '2026-11-20T23:30:00Z', '2026-11-21T07:00:00.000Z'],
    ['after midnight', '2026-11-21T03:00:00Z', '2026-11-21T07:00:00.000Z'],
    ['at their first minute', '2026-11-20T22:00:00Z', '2026-11-21T07:00:00.000Z'],
    ['at their last minute', '2026-11-21T06:59:59Z', '2026-11-21T07:00:00.000Z'],
  ])('over midnight hold %s until the morning', (_, now, ends) => {
    expect(until(night, now)).toBe(ends);
  });

  test.each(['2026-11-21T07:00:00Z', '2026-11-20T21:59:59Z', '2026-11-20T12:00:00Z'])(
    'hold nothing at %s',
    (now) => {
      expect(until(night, now)).toBeUndefined();
    },
  );

  test('within a day hold only within that day', () => {
    const siesta = { start: '13:00', end: '15:30' };
    expect(until(siesta, '2026-11-20T14:00:00Z')).toBe('2026-11-20T15:30:00.000Z');
    expect(until(siesta, '2026-11-20T15:30:00Z')).toBeUndefined();
  });

  test('go by the clock on the device’s wall, also where it differs by half hours', () => {
    expect(until(night, '2026-11-20T17:00:00Z', 'Asia/Kolkata')).toBe('2026-11-21T01:30:00.000Z');
    expect(until(night, '2026-11-20T17:00:00Z', 'Europe/Berlin')).toBeUndefined();
  });

  test('end with the morning of the day on which the clocks change', () => {
    expect(until(night, '2026-03-28T23:00:00Z', 'Europe/Berlin')).toBe('2026-03-29T05:00:00.000Z'); // summer time by then
    expect(until(night, '2026-10-24T22:00:00Z', 'Europe/Berlin')).toBe('2026-10-25T06:00:00.000Z');
  });

  test('whose end is skipped in spring end after the gap', () => {
    expect(until({ start: '22:00', end: '02:30' }, '2026-03-29T00:30:00Z', 'Europe/Berlin')).toBe(
      '2026-03-29T01:30:00.000Z',
    );
  });

  test('whose end comes twice in autumn end the first time', () => {
    const hours = { start: '22:00', end: '02:30' };
    expect(until(hours, '2026-10-25T00:10:00Z', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z');
    expect(until(hours, '2026-10-25T01:10:00Z', 'Europe/Berlin')).toBeUndefined();
  });

  test.each(['PST', 'IST', 'Mars/Olympus', ''])(
    'of a device with the time zone "%s", which cannot be evaluated, go by UTC',
    (timezone) => {
      expect(until(night, '2026-11-20T23:30:00Z', timezone)).toBe('2026-11-21T07:00:00.000Z');
      expect(until(night, '2026-11-20T12:00:00Z', timezone)).toBeUndefined();
    },
  );

  test('always end, in the future and within a day and an hour', () => {
    const clock = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
    const zone = fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
    );
    const now = fc.date({ min: new Date('2026-01-01'), max: new Date('2027-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(clock, clock, zone, now, (start, end, timezone, at) => {
        fc.pre(start !== end);
        const ends = quietHoursEnd({ start, end }, at, timezone);
        if (ends === undefined) return;
        expect(ends.getTime()).toBeGreaterThan(at.getTime());
        expect(ends.getTime() - at.getTime()).toBeLessThanOrEqual(25 * 3_600_000);
      }),
    );
  });
});

describe('a time zone', () => {
  test.each([
    'Europe/Berlin',
    'europe/berlin',
    'Asia/Calcutta',
    'Asia/Kolkata',
    'UTC',
    'Etc/GMT+5',
    'US/Pacific',
    'EST5EDT',
  ])('is one of the IANA database: %s', (name) => {
    expect(isTimeZone(name)).toBe(true);
  });

  // Intl takes the first four for the ones of Los Angeles, Chicago, Calcutta and Tokyo, and later versions of it the offsets.
  test.each([
    'PST',
    'CST',
    'IST',
    'JST',
    '+02:00',
    '-0330',
    'Z',
    '',
    '2026-01-01T00:00[Europe/Berlin]',
    'Mars/Olympus',
  ])('is neither an abbreviation, nor an offset, nor anything else: %s', (name) => {
    expect(isTimeZone(name)).toBe(false);
  });
});
