import { expect, test } from '@jest/globals';
import { firstStartOf, periodOf } from '../campaign.js';
import { dueAtOf } from './due-at.js';

const startsAt = '2026-12-06T04:00:00.000Z';
const local = { startAt: { date: '2026-12-06', time: '18:00' } };
const at = (timezone: string | null) => dueAtOf({ body: local, startsAt }, timezone, 'UTC');

test('a local time comes to each member by the clock of their zone, first where the day begins', () => {
  expect(at('Pacific/Kiritimati')).toBe('2026-12-06T04:00:00.000Z');
  expect(at('Europe/Berlin')).toBe('2026-12-06T17:00:00.000Z');
  expect(at('America/Los_Angeles')).toBe('2026-12-07T02:00:00.000Z');
  expect(new Date(firstStartOf(local.startAt)).toISOString()).toBe(startsAt);
});

test('a member of whom no zone is known, or none that is known here, has that of the setting', () => {
  expect(at(null)).toBe('2026-12-06T18:00:00.000Z');
  expect(at('Atlantis/Capital')).toBe('2026-12-06T18:00:00.000Z');
});

test('an instant is the same for all', () => {
  const of = { body: { startAt: startsAt }, startsAt };
  expect(dueAtOf(of, 'Asia/Tokyo', 'UTC')).toBe(startsAt);
});

test('on a date that a zone skips a member’s turn is when the campaign begins', () => {
  // Samoa moved over the date line.
  const of = { body: { startAt: { date: '2011-12-30', time: '18:00' } }, startsAt };
  expect(dueAtOf(of, 'Pacific/Apia', 'UTC')).toBe(startsAt);
});

test('a campaign is of use for a week after it begins, or as long as it says, but for a month at most', () => {
  const now = new Date('2026-12-01T00:00:00Z');
  expect(periodOf({ startAt: startsAt }, now)).toEqual({
    startsAt: new Date(startsAt),
    expiresAt: new Date('2026-12-13T04:00:00Z'),
  });
  const expired = { startAt: startsAt, expiresAt: '2026-12-06T03:00:00Z' };
  expect(periodOf(expired, now)).toHaveProperty('fault');
  expect(periodOf({ startAt: startsAt, expiresAt: '2027-02-01T00:00:00Z' }, now)).toHaveProperty('fault');
  // One whose time has passed begins at once.
  expect(periodOf({ startAt: '2026-11-01T00:00:00Z' }, now)).toHaveProperty(
    'expiresAt',
    new Date('2026-12-08T00:00:00Z'),
  );
});
