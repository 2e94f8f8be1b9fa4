import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { executedPlanOf, mostRowsRead } from '../../../tools/explain-statements.mjs';
import { FilledDatabase } from '../../support/infrastructure/filled-database.js';

let filled: FilledDatabase;
beforeAll(async () => {
  filled = await FilledDatabase.create(5_000);
}, 120_000);
afterAll(() => filled.drop());

describe('of what an outage left behind', () => {
  const UUID = '00000000-0000-4000-8000-000000000000';
  const DUE = 5_000;
  const BATCH = 8;
  beforeAll(async () => {
    await filled.client
      .query(`TRUNCATE handoff; INSERT INTO handoff (id, consumer, tier, positions, created_at)
      SELECT gen_random_uuid(), consumer, 'important', '[]', now() - random() * interval '1 hour'
      FROM generate_series(1, ${DUE}), unnest(ARRAY['delivery', 'push']) AS consumer;
      ANALYZE handoff`);
  });

  test('a sweep reads what it claims, and not all that is due', async () => {
    const plan = await executedPlanOf(filled.client, filled.textOf('claim-handoffs'), [
      'delivery',
      'important',
      0,
      BATCH,
      100,
    ]);
    expect(mostRowsRead(plan)).toBeLessThanOrEqual(DUE / 50);
    expect(mostRowsRead(plan)).toBeGreaterThanOrEqual(BATCH);
  });

  test.each([
    ['claim-handoffs', ['delivery', 'important', 0, 1, 100]],
    ['enqueue-pushes', ['[]', '{"fcm_token":"fcm"}', 'important', 0, 1, 30]],
    ['claim-pushes', ['fcm', 'important', 1, 60_000, 30]],
    ['oldest-waiting', ['{apns,fcm,webpush}']],
    ['settle-handoffs', [`{${UUID}}`, 'delivery']],
    ['membership', ['{ada}']],
    ['plans', ['{premium}']],
    ['plan-of-prices', ['{price}']],
    ['subscriptions', ['{ada}']],
    ['heads', ['{ada}']],
    ['streams-read', ['{stream}']],
  ])('%s is planned some times on a connection, and not at each use', async (name, values) => {
    const statement = { name, text: filled.textOf(name), values };
    // PostgreSQL compares five plans for these values with one for all values, and keeps the cheaper.
    for (let use = 0; use < 6; use += 1) await filled.client.query(statement);
    const { rows } = await filled.client.query(
      'SELECT generic_plans::int AS kept FROM pg_prepared_statements WHERE name = $1',
      [name],
    );
    expect(rows).toEqual([{ kept: 1 }]);
  });
});
