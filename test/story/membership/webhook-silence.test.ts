import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { WebhookStore } from '../../../src/membership/webhooks/webhook.store.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { testConfig } from '../../support/config.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

let database: TestDatabase;
let ours: Database;
let store: WebhookStore;
beforeAll(async () => {
  database = await createDatabase();
  ours = new Database(testConfig({ DATABASE_URL: database.url }));
  store = new WebhookStore(ours);
});
afterAll(async () => {
  await ours.onApplicationShutdown();
  await database.drop();
});

const insert = (id: string, status: string, days: number) =>
  database.query(
    `INSERT INTO webhook (processor, event_id, type, status, payload, created_at, received_at, settled_at)
     VALUES ('stripe', $1, 'x', $2, '{}', now(), now() - $3 * interval '1 day', now() - $3 * interval '1 day')`,
    [id, status, days],
  );

test('the time since a processor’s last webhook is reported with the longest gap of the day, even after days of silence', async () => {
  await database.query('DELETE FROM webhook');
  await insert('one', 'applied', 0.5);
  await insert('two', 'applied', 0.25);
  const names = ['stripe', 'apple'];
  expect((await store.silentSeconds(names)).get('stripe')).toBeCloseTo(21_600, -2);
  const usual = (await store.usualSilenceSeconds(names)).get('stripe') ?? 0;
  expect(Math.abs(usual - 21_600)).toBeLessThanOrEqual(300);
  expect(await store.silentSeconds(['apple'])).toEqual(new Map());
  await database.query(`UPDATE webhook SET received_at = received_at - interval '3 days'`);
  expect((await store.silentSeconds(names)).get('stripe')).toBeCloseTo(21_600 + 3 * 86_400, -2);
  expect((await store.usualSilenceSeconds(names)).get('stripe')).toBe(0);
});
