import process from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tellStory } from '../../../bench/campaigns/story/story.mjs';
import { type LogicalPostgres, startLogicalPostgres } from '../../support/infrastructure/raw-zone.js';

let postgres: LogicalPostgres;
beforeAll(async () => {
  postgres = await startLogicalPostgres();
}, 60_000);
afterAll(() => postgres.stop());

// `npm run bench -- --only campaign-story --users 100000`: the same with more people and more deaths, and with dbt.
test('a campaign whose workers die tells each person once, and all who count what became of it count the same', async () => {
  const { rows, again, doubled, sent, whilePaused, kills, recordsTwice } = await tellStory({
    databaseUrl: postgres.database.url,
    environment: { REDIS_URL: process.env.REDIS_URL },
    people: 200,
    seed: 1,
    workers: 1,
    killEveryMs: 2_000,
    mostKills: 2,
    perSecond: 40,
    isHurried: true,
  });
  expect(kills).toHaveLength(2);
  expect(rows.filter(({ isEqual }) => !isEqual)).toEqual([]);
  expect(rows.find(({ what }) => what === 'members')).toMatchObject({ people: 200, 'raw zone': 200 });
  expect(rows.find(({ what }) => what === 'converted')).toMatchObject({ analytics: expect.any(Number) });
  expect({ doubled, whilePaused, recordsTwice }).toEqual({ doubled: 0, whilePaused: 0, recordsTwice: 0 });
  // A mail that came again was begun again: its worker died before it could write that it was sent.
  const mails = Number(rows.find(({ what }) => what === 'delivered: email')?.people);
  expect(again.email).toBeLessThanOrEqual(sent.email - mails);
}, 300_000);
