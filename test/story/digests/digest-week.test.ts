import process from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { simulateWeek } from '../../../bench/digests/week.mjs';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

/** Among them zones with half hours and quarters, the first and the last one, and three that end summer time in these days. */
const ZONES = [
  'America/Los_Angeles',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Europe/Berlin',
  'Europe/London',
  'Pacific/Chatham',
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
];

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

// `npm run bench -- --only digest-week --users 100000`: the same in all zones for a week, with a kill in each hour.
test('a worker process is killed at a statement of its digests: each local date of each user has one, none is missing, none comes twice', async () => {
  const week = await simulateWeek({
    databaseUrl: database.url,
    environment: { REDIS_URL: process.env.REDIS_URL },
    users: 400,
    zones: ZONES,
    steps: [16, 32],
    killedIn: [32],
  });
  const { kills, ...counts } = week;
  expect(counts).toEqual({
    expected: counts.made,
    made: expect.any(Number),
    missing: 0,
    doubled: 0,
    unexpected: 0,
    lost: 0,
    empty: 0,
  });
  expect(counts.made).toBeGreaterThan(400);
  expect(Object.keys(kills)).toEqual([expect.stringMatching(/^(before|after) (COMMIT|[a-z-]+)$/)]);
});
