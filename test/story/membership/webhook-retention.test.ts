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

test('settled webhooks are deleted by age, waiting ones are not', async () => {
  for (const status of ['applied', 'stale', 'ignored', 'failed', 'waiting', 'stored']) {
    await insert(`old ${status}`, status, 91);
    await insert(`new ${status}`, status, 89);
  }
  const before = new Date(Date.now() - 90 * 86_400_000);
  expect(await store.deleteSettled(before, 3)).toBe(3);
  expect(await store.deleteSettled(before, 100)).toBe(1);
  const left = await database.query<{ id: string }>(
    `SELECT event_id AS id FROM webhook WHERE event_id LIKE 'old%' ORDER BY 1`,
  );
  expect(left.map(({ id }) => id)).toEqual(['old stored', 'old waiting']);
  const remaining = await database.query(`SELECT 1 FROM webhook WHERE event_id LIKE 'new%'`);
  expect(remaining).toHaveLength(6);
});

test('the time since a processor’s last webhook is reported with the longest gap of the day, even after days of silence', async () => {
  await database.query('DELETE FROM webhook');
  await insert('one', 'applied', 0.5);
  await insert('two', 'applied', 0.25);
  const [silence] = await store.silence(['stripe', 'apple']);
  expect(silence?.processor).toBe('stripe');
  expect(silence?.silentSeconds).toBeCloseTo(21_600, -2);
  expect(silence?.usualSeconds).toBeCloseTo(21_600, -2);
  await database.query(`UPDATE webhook SET received_at = received_at - interval '3 days'`);
  expect((await store.silence(['stripe']))[0]).toMatchObject({ processor: 'stripe', usualSeconds: 0 });
});
