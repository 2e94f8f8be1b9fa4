import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { delayOf, latestDueDate, type LocalSchedule, planNext, type Schedule } from './schedule.js';

const ZONES = Intl.supportedValuesOf('timeZone');
const FIVE: Schedule = { cadence: 'daily', at: '17:00' };
const in_ = (timezone: string, schedule: Schedule = FIVE, delayMs = 0): LocalSchedule => ({
  schedule,
  timezone,
  delayMs,
});

/** A user with a clock of ours: the worker runs whatever is due whenever the clock or the plan has moved, unless it is down. */
class User {
  readonly dates: { localDate: string; at: Date }[] = [];
  private lastDate: string;
  isWorkerDown = false;

  constructor(
    public local: LocalSchedule,
    private now: Date,
  ) {
    this.lastDate = latestDueDate(local, now);
  }

  move(local: Partial<LocalSchedule>): void {
    this.local = { ...this.local, ...local };
    this.work();
  }

  moveTo(timezone: string): void {
    this.move({ timezone });
  }

  restart(): void {
    this.isWorkerDown = false;
    this.work();
  }

  /** Moves the clock from due time to due time, as a worker that never sleeps would. */
  waitUntil(end: Date): void {
    for (let steps = 0; steps < 1_000 && !this.isWorkerDown; steps += 1) {
      const { dueAt } = planNext(this.local, this.lastDate, this.now);
      if (dueAt > end) break;
      this.now = dueAt > this.now ? dueAt : this.now;
      this.work();
    }
    this.now = end;
  }

  wait(hours: number): void {
    this.waitUntil(new Date(this.now.getTime() + hours * 3_600_000));
  }

  /** What the worker does: run/decide in src/digests/runs. */
  private work(): void {
    if (this.isWorkerDown) return;
    const { localDate, dueAt } = planNext(this.local, this.lastDate, this.now);
    if (dueAt > this.now) return;
    const latest = latestDueDate(this.local, this.now);
    this.lastDate = latest > localDate ? latest : localDate;
    this.dates.push({ localDate: this.lastDate, at: this.now });
  }

  /** The newest date that had its digest, or was before the user's first one. */
  get newestDate(): string {
    return this.lastDate;
  }

  get latestDue(): string {
    return latestDueDate(this.local, this.now);
  }
}

const datesOf = (user: User) => user.dates.map(({ localDate }) => localDate);
const instant = (local: string, timezone: string) =>
  new Date(Temporal.PlainDateTime.from(local).toZonedDateTime(timezone).epochMilliseconds);
const days = (from: string, count: number) =>
  Array.from({ length: count }, (_, n) => Temporal.PlainDate.from(from).add({ days: n }).toString());

describe('a daily digest at 17:00', () => {
  test('comes once on each local date of a week with two changes of daylight saving, in every zone of the IANA data', () => {
    expect(ZONES.length).toBeGreaterThan(400);
    for (const zone of ZONES) {
      const delayMs = delayOf('evening', zone, 30);
      const user = new User(in_(zone, FIVE, delayMs), instant('2026-10-25T00:00', zone));
      user.waitUntil(instant('2026-11-02T00:00', zone)); // Europe changes on 25 October, North America on 1 November
      expect(datesOf(user)).toEqual(days('2026-10-25', 8));
      for (const { localDate, at } of [user.dates[0], user.dates[7]].filter((one) => one !== undefined)) {
        const local = Temporal.Instant.fromEpochMilliseconds(at.getTime() - delayMs).toZonedDateTimeISO(zone);
        expect(`${local.toPlainDate().toString()} ${local.toPlainTime().toString()}`).toBe(
          `${localDate} 17:00:00`,
        );
      }
    }
  });

  test.each([
    ['a gap, after the skipped hour', '02:30', '2026-03-29', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['an overlap, the first time', '02:30', '2026-10-25', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['a gap at midnight', '00:00', '2026-04-24', 'Africa/Cairo', '2026-04-23T22:00:00.000Z'],
    ['a gap of half an hour', '02:15', '2026-10-04', 'Australia/Lord_Howe', '2026-10-03T15:45:00.000Z'],
    ['a zone with a quarter of an hour', '17:00', '2026-11-20', 'Asia/Kathmandu', '2026-11-20T11:15:00.000Z'],
    ['a gap over midnight', '23:45', '1919-03-30', 'America/Toronto', '1919-03-31T04:45:00.000Z'],
  ])('of %s', (_, at, localDate, zone, expected) => {
    const before = Temporal.PlainDate.from(localDate).subtract({ days: 1 }).toString();
    const planned = planNext(in_(zone, { cadence: 'daily', at }), before, new Date(0));
    expect({ ...planned, dueAt: planned.dueAt.toISOString() }).toEqual({ localDate, dueAt: expected });
  });

  test('leaves out a date that its zone skips', () => {
    const user = new User(in_('Pacific/Apia'), instant('2011-12-28T12:00', 'Pacific/Apia'));
    user.waitUntil(instant('2012-01-02T00:00', 'Pacific/Apia'));
    expect(datesOf(user)).toEqual(['2011-12-28', '2011-12-29', '2011-12-31', '2012-01-01']);
    const after = planNext(in_('Pacific/Apia'), '2011-12-29', new Date(0));
    expect(after).toEqual({ localDate: '2011-12-31', dueAt: instant('2011-12-31T17:00', 'Pacific/Apia') });
  });

  test('comes once for each local date to a user who flies from Tokyo to Los Angeles at 16:59, and back', () => {
    const user = new User(in_('Asia/Tokyo'), instant('2026-11-20T12:00', 'Asia/Tokyo'));
    user.waitUntil(instant('2026-11-21T16:59', 'Asia/Tokyo'));
    user.moveTo('America/Los_Angeles'); // where it is the evening of the 20th
    user.waitUntil(instant('2026-11-22T16:59', 'America/Los_Angeles'));
    user.moveTo('Asia/Tokyo'); // where the 22nd is over: its digest is late
    user.waitUntil(instant('2026-11-25T00:00', 'Asia/Tokyo'));
    expect(user.dates.map(({ localDate, at }) => [localDate, at.toISOString()])).toEqual([
      ['2026-11-20', '2026-11-20T08:00:00.000Z'],
      ['2026-11-21', '2026-11-22T01:00:00.000Z'],
      ['2026-11-22', '2026-11-23T00:59:00.000Z'],
      ['2026-11-23', '2026-11-23T08:00:00.000Z'],
      ['2026-11-24', '2026-11-24T08:00:00.000Z'],
    ]);
  });

  test.each([
    ['later', '18:00', '2026-11-20T18:00:00.000Z'],
    ['earlier than now', '09:00', '2026-11-20T16:59:00.000Z'],
  ])('whose time is changed at 16:59 to %s comes once on that date', (_, at, expected) => {
    const user = new User(in_('UTC'), new Date('2026-11-20T12:00Z'));
    user.waitUntil(new Date('2026-11-20T16:59Z'));
    user.move({ schedule: { cadence: 'daily', at } });
    user.waitUntil(new Date('2026-11-22T00:00Z'));
    expect(datesOf(user)).toEqual(['2026-11-20', '2026-11-21']);
    expect(user.dates[0]?.at.toISOString()).toBe(expected);
  });

  test('is late, and comes once, when workers stood still from 16:50 to 17:20; after days it is that of the newest date', () => {
    const user = new User(in_('UTC'), new Date('2026-11-20T16:50Z'));
    user.isWorkerDown = true;
    user.waitUntil(new Date('2026-11-20T17:20Z'));
    user.restart();
    user.waitUntil(new Date('2026-11-21T16:50Z'));
    user.isWorkerDown = true;
    user.waitUntil(new Date('2026-11-24T09:00Z'));
    user.restart();
    user.waitUntil(new Date('2026-11-25T00:00Z'));
    expect(datesOf(user)).toEqual(['2026-11-20', '2026-11-23', '2026-11-24']);
  });
});

describe('a weekly digest', () => {
  test('comes on its weekday', () => {
    const schedule: Schedule = { cadence: 'weekly', weekday: 5, at: '17:00' };
    for (const zone of ZONES.filter((_, n) => n % 10 === 0)) {
      const user = new User(in_(zone, schedule), instant('2026-10-24T00:00', zone));
      user.waitUntil(instant('2026-11-14T00:00', zone));
      expect(datesOf(user)).toEqual(['2026-10-30', '2026-11-06', '2026-11-13']);
    }
  });
});

test('whatever happens, no local date comes twice, dates only grow, and none that was due is left open', () => {
  const clock = fc
    .tuple(fc.nat(23), fc.constantFrom(0, 15, 30, 59))
    .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
  const schedule = fc.oneof(
    fc.record({ cadence: fc.constant('daily' as const), at: clock }),
    fc.record({
      cadence: fc.constant('weekly' as const),
      weekday: fc.integer({ min: 1, max: 7 }),
      at: clock,
    }),
  );
  const zone = fc.constantFrom(...ZONES);
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 60 }) }) },
    { weight: 2, arbitrary: fc.record({ timezone: zone }) },
    fc.record({ schedule }),
    fc.record({ delayMs: fc.nat(180 * 60_000) }),
    fc.record({ outage: fc.integer({ min: 1, max: 200 }) }),
  );
  const start = fc.date({ min: new Date('2025-11-01'), max: new Date('2027-12-31'), noInvalidDate: true });
  fc.assert(
    fc.property(start, zone, schedule, fc.array(act, { maxLength: 25 }), (now, timezone, first, acts) => {
      const user = new User({ schedule: first, timezone, delayMs: 0 }, now);
      for (const one of acts) {
        if ('wait' in one) user.wait(one.wait);
        else if ('outage' in one) {
          user.isWorkerDown = true;
          user.wait(one.outage);
          user.restart();
        } else user.move(one);
        const dates = datesOf(user);
        expect(dates).toEqual([...new Set(dates)].toSorted());
        expect(user.newestDate >= user.latestDue).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test('users’ turns are spread over the whole window', () => {
  const delays = Array.from({ length: 10_000 }, (_, n) => delayOf('evening', `user-${n}`, 30) / 60_000);
  const perMinute = Array.from({ length: 30 }, (_, m) => delays.filter((d) => Math.floor(d) === m).length);
  expect(Math.min(...perMinute)).toBeGreaterThan(200);
  expect(Math.max(...perMinute)).toBeLessThan(500);
});
