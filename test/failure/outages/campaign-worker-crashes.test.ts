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
    people: 1_500,
    // While members are found, and while they are queued.
    killsAt: [4, 25],
  });
  expect(kills.map((kill) => kill.split(' ')[0])).toEqual(['before', 'after']);
  expect(campaign).toEqual({
    people: 1_500,
    found: 2_750,
    sharedAddresses: 150,
    counted: 1_500,
    duplicates: 1_250,
    members: 1_500,
    addresses: 150,
    queued: 1_350,
    byMail: 1_350 - campaign.byPush,
    byPush: expect.any(Number),
    events: 1_350,
    readers: 1_350,
    mails: campaign.byMail,
    pushes: campaign.byPush,
    lost: 0,
    doubled: 0,
    whilePaused: 0,
  });
}, 60_000);
