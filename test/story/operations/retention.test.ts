import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { RetentionStore } from '../../../src/platform/retention/retention.store.js';
import { RetentionWorker } from '../../../src/platform/retention/retention.worker.js';
import { retentionRules } from '../../../src/retention-and-erasure.js';
import { testConfig } from '../../support/config.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

let database: TestDatabase;
const nodes: Database[] = [];
beforeAll(async () => {
  database = await createDatabase();
});
afterEach(() => Promise.all(nodes.splice(0).map((node) => node.onApplicationShutdown())));
afterAll(() => database.drop());

class Node extends RetentionWorker {
  readonly metrics: MetricsService;

  constructor(settings: Record<string, string> = {}) {
    const config = testConfig({ DATABASE_URL: database.url, ...settings });
    const connections = new Database(config);
    nodes.push(connections);
    const metrics = new MetricsService();
    super(new RetentionStore(connections), retentionRules(config), config, metrics);
    this.metrics = metrics;
  }

  remove(): Promise<void> {
    return this.runOnce();
  }
}

/** For each table that grows with time a row that is `$2` old, in its last state, named `$1`. */
const aged: Record<string, string> = {
  receipt: `INSERT INTO receipt (user_id, "offset", device_id, epoch, event_id, type, state, created_at, bucket)
    VALUES ($1, 1, 'tv', 'e', gen_random_uuid(), 'note', 2, now() - $2::interval, bucket_of($1))`,
  push: `INSERT INTO push (user_id, device_id, event_id, key, type, tier, epoch, "offset", vendor, state, expires_at, settled_at, bucket)
    VALUES ($1, 'tv', gen_random_uuid(), 'k', 'note', 'important', 'e', 1, 'fcm', 'delivered', now(), now() - $2::interval, bucket_of($1))`,
  webhook: `INSERT INTO webhook (processor, event_id, type, status, payload, created_at, settled_at)
    VALUES ('stripe', $1, 'x', 'applied', '{"email":"ann@example.com"}', now(), now() - $2::interval)`,
  stream: `INSERT INTO stream (stream_id, user_id, device_id, title_id, edge_id, device_registered, started_at, slot_until, ended_at, end_reason, bucket)
    VALUES ($1, 'ann', 'tv', 't', 'edge', true, now() - $2::interval, now() - $2::interval, now() - $2::interval, 'ended', bucket_of('ann'))`,
  edge_notice: `INSERT INTO edge_notice (edge_id, key, id, type, data, created_at)
    VALUES ('edge', $1, gen_random_uuid(), 'stream.stop', '{}', now() - $2::interval)`,
  idempotent_call: `INSERT INTO idempotent_call (id, body_hash, created_at) VALUES ($1::text::bytea, '', now() - $2::interval)`,
  engagement_rollup: `INSERT INTO engagement_rollup (grain, team, campaign, dimension, at, kind, value, people, machines, version)
    VALUES ('minute', '*', '*', 'all', now() - $2::interval, $1, '', 1, 0, 1)`,
  revocation: `INSERT INTO revocation (user_id, token_id, not_before) VALUES ('ann', $1, now() - $2::interval)`,
  audit_entry: `INSERT INTO audit_entry (at, actor_kind, actor_id, actor_name, role, action, target_kind, request_id, result)
    VALUES (now() - $2::interval, 'key', $1, 'k', 'operate', 'plan.put', 'plan', 'r', 'done')`,
  mailbox_entry: `INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, at, expires_at, bucket)
    VALUES ('ann', $1, 1, gen_random_uuid(), 'note', 'important', now(), now() - $2::interval, bucket_of('ann'))`,
};
/** Not old enough, and old enough, by the default settings. */
const AGES: Record<keyof typeof aged, readonly [young: string, old: string]> = {
  receipt: ['29 days', '31 days'],
  push: ['29 days', '31 days'],
  webhook: ['89 days', '91 days'],
  stream: ['47 hours', '49 hours'],
  edge_notice: ['25 hours', '27 hours'],
  idempotent_call: ['23 hours', '25 hours'],
  engagement_rollup: ['13 days', '15 days'],
  revocation: ['30 days', '32 days'],
  audit_entry: ['399 days', '401 days'],
  mailbox_entry: ['-1 hour', '1 second'],
};
const tables = Object.keys(aged);
const insert = (table: string, name: string, age = AGES[table]?.[1]) =>
  database.query(aged[table] ?? '', [name, age]);
const count = async (table: string): Promise<number> =>
  (await database.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`))[0]?.count ?? -1;

describe('what is old is removed from', () => {
  afterEach(async () => {
    // Nobody may empty the audit but by its retention.
    await database.query('ALTER TABLE audit_entry DISABLE TRIGGER USER');
    await database.query(`TRUNCATE ${tables.join(', ')}`);
    await database.query('ALTER TABLE audit_entry ENABLE TRIGGER USER');
  });

  test.each(tables)('%s, and what is not stays', async (table) => {
    await insert(table, 'old');
    await insert(table, 'young', AGES[table]?.[0]);
    await new Node().remove();
    expect(await count(table)).toBe(1);
  });

  test.each(tables)('%s without waiting for rows that another node has locked', async (table) => {
    await insert(table, 'locked');
    const release = await database.holdTransaction(`SELECT FROM ${table} FOR UPDATE`);
    try {
      await insert(table, 'old');
      await new Node().remove();
      expect(await count(table)).toBe(1);
    } finally {
      await release();
    }
    await new Node().remove();
    expect(await count(table)).toBe(0);
  });

  test('a table with more than one batch in one run, by several nodes at once', async () => {
    await database.query(
      `INSERT INTO receipt (user_id, "offset", device_id, epoch, event_id, type, state, created_at, bucket)
       SELECT 'ann', n, 'tv', 'e', gen_random_uuid(), 'note', 2, now() - interval '31 days', bucket_of('ann')
       FROM generate_series(1, 12000) AS n`,
    );
    const pair = [new Node(), new Node()];
    await Promise.all(pair.map((node) => node.remove()));
    expect(await count('receipt')).toBe(0);
    const removed = await Promise.all(
      pair.map(async ({ metrics }) => {
        const values = (await metrics.registry.getSingleMetric('usher_retention_removed_total')?.get())
          ?.values;
        return values?.find(({ labels }) => labels.rule === 'receipt')?.value ?? 0;
      }),
    );
    expect(removed.reduce((sum, one) => sum + one, 0)).toBe(12_000);
  });
});

describe('a webhook', () => {
  afterEach(() => database.query('TRUNCATE webhook'));

  const bodies = () =>
    database.query<{ id: string; body: unknown }>(
      'SELECT event_id AS id, payload AS body FROM webhook ORDER BY 1',
    );

  test('loses its body after WEBHOOK_BODY_RETENTION_DAYS, and is known as a duplicate until WEBHOOK_RETENTION_DAYS', async () => {
    await insert('webhook', 'a', '1 day');
    await insert('webhook', 'b', '4 days');
    await insert('webhook', 'c', '11 days');
    await new Node({ WEBHOOK_BODY_RETENTION_DAYS: '3', WEBHOOK_RETENTION_DAYS: '10' }).remove();
    expect(await bodies()).toEqual([
      { id: 'a', body: { email: 'ann@example.com' } },
      { id: 'b', body: null },
    ]);
  });

  test('keeps its body while it waits or is still tried, however old it is', async () => {
    for (const status of ['stored', 'waiting', 'failed']) {
      await insert('webhook', status, '400 days');
      await database.query('UPDATE webhook SET status = $1 WHERE event_id = $1', [status]);
    }
    await new Node().remove();
    expect((await bodies()).filter(({ body }) => body !== null)).toHaveLength(3);
  });
});
