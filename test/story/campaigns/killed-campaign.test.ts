import process from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runKilledCampaign } from '../../../bench/campaigns/killed-campaign.mjs';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

// `npm run bench -- --only campaign-once --users 100000`: the same with more people and more deaths.
test('worker processes are killed at statements of a campaign, and it is paused and resumed: each person is reached once', async () => {
  const {
    kills,
    seconds: _,
    ...campaign
  } = await runKilledCampaign({
    databaseUrl: database.url,
    environment: { REDIS_URL: process.env.REDIS_URL },
    people: 3_000,
    // While members are found, and while they are told.
    killsAt: [4, 40],
  });
  expect(kills.map((kill) => kill.split(' ')[0])).toEqual(['before', 'after']);
  expect(campaign).toEqual({
    people: 3_000,
    found: 5_500,
    sharedAddresses: 300,
    counted: 3_000,
    duplicates: 2_500,
    members: 3_000,
    addresses: 300,
    told: 2_700,
    byMail: 2_700 - campaign.byPush,
    byPush: expect.any(Number),
    events: 2_700,
    readers: 2_700,
    mails: campaign.byMail,
    pushes: campaign.byPush,
    lost: 0,
    doubled: 0,
    whilePaused: 0,
  });
}, 60_000);
