import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RollupQueryStore } from '../../../src/engagement/analytics/rollup-query.store.js';
import { DeliveriesWorker } from '../../../src/engagement/deliveries/deliveries.worker.js';
import { DeliveryScanStore } from '../../../src/engagement/deliveries/delivery-scan.store.js';
import type { EngagementEvent } from '../../../src/engagement/engagement-event.js';
import { PartitionStore } from '../../../src/engagement/partitions/partition.store.js';
import { PartitionsWorker } from '../../../src/engagement/partitions/partitions.worker.js';
import { EngagementEventStore } from '../../../src/engagement/recording/engagement-event.store.js';
import { RollupStore } from '../../../src/engagement/rollups/rollup.store.js';
import { RollupsWorker } from '../../../src/engagement/rollups/rollups.worker.js';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { testConfig } from '../../support/config.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';
import { DyingDatabase } from '../../support/infrastructure/dying-database.js';

/** Recording and roll-ups in process, on a real PostgreSQL: what is lost or doubled shows only when workers die, and come together. */
let postgres: TestDatabase;
let database: Database;
let events: EngagementEventStore;

let dying: DyingDatabase;

const configOf = (settings: Record<string, string> = {}) =>
  testConfig({ DATABASE_URL: postgres.url, ...settings });
const workerOn = (its: Database = database) =>
  new RollupsWorker(new RollupStore(its), configOf(), new MetricsService());

beforeAll(async () => {
  postgres = await createDatabase();
  database = new Database(configOf());
  dying = new DyingDatabase(configOf());
  events = new EngagementEventStore(database);
});
afterAll(async () => {
  await database.onApplicationShutdown();
  await dying.onApplicationShutdown();
  await postgres.drop();
});
beforeEach(async () => {
  await postgres.query(
    'TRUNCATE campaign, campaign_member, engagement_event, engagement_rollup, message, receipt',
  );
  await postgres.query(`DELETE FROM engagement_watermark WHERE name <> 'rollups'`);
});

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
let ids = 0;
const event = (changes: Partial<EngagementEvent> = {}): EngagementEvent => ({
  id: `event ${(ids += 1)}`,
  userId: 'ada',
  kind: 'opened',
  at: ago(0),
  team: 'film',
  campaign: 'autumn',
  channel: 'push',
  platform: 'ios',
  country: 'DE',
  ...changes,
});
const record = async (...all: EngagementEvent[]) => (await events.record([all]))[0];
/** The counts of the day roll-ups of everything, by kind. */
const daily = async () => {
  const rows = await postgres.query<{ kind: string; people: string }>(
    `SELECT kind, sum(people) AS people FROM engagement_rollup
     WHERE grain = 'day' AND team = '*' AND campaign = '*' AND dimension = 'all' GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ kind, people }) => [kind, Number(people)]));
};

describe('an event', () => {
  test('is stored once, however often it is sent: in one call, in several at once, and on another day', async () => {
    const one = event();
    expect(await record(one, one)).toBe(1);
    const together = await Promise.all(Array.from({ length: 8 }, () => events.record([[one], [event()]])));
    expect(together.map(([again]) => again)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(await record({ ...one, at: ago(3 * DAY_MS) })).toBe(0);
    expect(await record({ ...one, userId: 'ben' })).toBe(1);
  });

  test('that is sent by several calls for the first time counts for one of them', async () => {
    const one = event();
    const counts = await Promise.all(Array.from({ length: 8 }, () => record(one)));
    expect(counts.toSorted()).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
  });
});

describe('the roll-ups', () => {
  test('count an event by minute, hour and day, for all, its team, its campaign and both, and for each of its dimensions', async () => {
    await record(
      event(),
      event({ campaign: 'winter', platform: 'tv', isMachine: true }),
      event({ team: undefined }),
    );
    await workerOn().runOnce();
    const rows = await postgres.query<{ of: string; people: string; machines: string }>(
      `SELECT concat_ws(' ', team, campaign, dimension, value) AS of, people, machines FROM engagement_rollup
       WHERE grain = 'hour' AND dimension IN ('all', 'platform', 'campaign') ORDER BY 1`,
    );
    expect(rows.map(({ of, people, machines }) => `${of.trim()}: ${people}+${machines}`)).toEqual([
      '* * all: 2+1',
      '* * campaign autumn: 2+0',
      '* * campaign winter: 0+1',
      '* * platform ios: 2+0',
      '* * platform tv: 0+1',
      '* autumn all: 2+0',
      '* autumn platform ios: 2+0',
      '* winter all: 0+1',
      '* winter platform tv: 0+1',
      'film * all: 1+1',
      'film * campaign autumn: 1+0',
      'film * campaign winter: 0+1',
      'film * platform ios: 1+0',
      'film * platform tv: 0+1',
      'film autumn all: 1+0',
      'film autumn platform ios: 1+0',
      'film winter all: 0+1',
      'film winter platform tv: 0+1',
    ]);
    const grains = await postgres.query(
      `SELECT grain FROM engagement_rollup WHERE team = '*' AND campaign = '*' AND dimension = 'all' ORDER BY 1`,
    );
    expect(grains).toEqual([{ grain: 'day' }, { grain: 'hour' }, { grain: 'minute' }]);
  });

  test('are corrected by an event that comes days later, in the buckets of its time', async () => {
    const at = ago(6 * DAY_MS);
    await record(event({ at }));
    await workerOn().runOnce();
    await record(event({ at }), event());
    await workerOn().runOnce();
    const rows = await postgres.query<{ people: string }>(
      `SELECT people FROM engagement_rollup WHERE grain = 'minute' AND team = '*' AND campaign = '*' AND dimension = 'all'
       AND at = date_trunc('minute', $1::timestamptz)`,
      [at],
    );
    expect(rows).toEqual([{ people: '2' }]);
    expect(await daily()).toEqual({ opened: 3 });
  });

  test('have each event once although the worker is killed at any statement, or at the commit', async () => {
    await record(event(), event({ kind: 'tapped' }));
    const died: unknown[] = [];
    for (const dyingAt of [1, 2, 3, 4, 'commit', undefined] as const) {
      dying.dyingAt = dyingAt;
      await workerOn(dying)
        .runOnce()
        .catch(() => died.push(dyingAt));
      expect(await daily()).toEqual(dyingAt === undefined ? { opened: 1, tapped: 1 } : {});
    }
    expect(died).toEqual([1, 2, 3, 4, 'commit']);
    await workerOn().runOnce();
    expect(await daily()).toEqual({ opened: 1, tapped: 1 });
  });

  test('have each event once although several workers count, while others write', async () => {
    let isWriting = true;
    const write = async (userId: string) => {
      for (let n = 0; n < 20; n += 1)
        await record(...Array.from({ length: 25 }, () => event({ userId, at: ago(n * MINUTE_MS) })));
    };
    const count = async () => {
      const worker = workerOn();
      while (isWriting) await worker.runOnce().catch(() => undefined);
    };
    const counting = [count(), count(), count()];
    await Promise.all(['ada', 'ben', 'cy', 'dan'].map(write));
    isWriting = false;
    await Promise.all(counting);
    await workerOn().runOnce();
    expect(await daily()).toEqual({ opened: 2_000 });
  });

  test('pass over no event whose transaction commits after others with higher numbers', async () => {
    const end = await postgres.holdTransaction(
      `WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(hashtextextended('engagement', 0)))
       INSERT INTO engagement_event (day, user_id, id, kind, at, bucket)
       SELECT current_date, 'slow', 'slow', 'opened', now(), bucket_of('slow') FROM locked`,
    );
    try {
      await record(event({ kind: 'tapped' }));
      await expect(workerOn().runOnce()).rejects.toMatchObject({ code: '55P03' });
      expect(await daily()).toEqual({});
    } finally {
      await end('COMMIT');
    }
    await workerOn().runOnce();
    expect(await daily()).toEqual({ opened: 1, tapped: 1 });
  });

  test('answer in buckets, of which the counts are those of the events', async () => {
    const starts = [3, 2, 1, 0].map((days) => Date.parse(ago(days * DAY_MS).slice(0, 10)));
    const at = (n: number) => new Date((starts[n] ?? 0) + 3_600_000).toISOString();
    await record(
      event({ at: at(0) }),
      event({ at: at(2), platform: 'tv' }),
      event({ at: at(2), platform: 'tv', kind: 'tapped' }),
    );
    await workerOn().runOnce();
    const end = (starts[3] ?? 0) + DAY_MS;
    const query = { starts, end, grain: 'day', label: 'day' } as const;
    const store = new RollupQueryStore(database);
    const sorted = async (more: object) =>
      (await store.read({ ...query, ...more }))
        .map(({ bucket, group, people }) => `${bucket} ${group} ${people}`)
        .toSorted();
    expect(await sorted({})).toEqual(['0  1', '2  2']);
    expect(await sorted({ groupBy: 'kind' })).toEqual(['0 opened 1', '2 opened 1', '2 tapped 1']);
    expect(await sorted({ groupBy: 'platform', kind: 'opened' })).toEqual(['0 ios 1', '2 tv 1']);
    expect(await sorted({ team: 'film', campaign: 'autumn', kind: 'tapped' })).toEqual(['2  1']);
    expect(await sorted({ campaign: 'winter' })).toEqual([]);
  });
});

describe('the days of events', () => {
  const partitions = async () =>
    (
      await postgres.query<{ name: string }>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'engagement_event'::regclass ORDER BY 1`,
      )
    ).map(({ name }) => name);
  const runOn = (its: Database) =>
    new PartitionsWorker(
      new PartitionStore(its),
      configOf({ ENGAGEMENT_RETENTION_DAYS: '9' }),
      new MetricsService(),
    ).runOnce();
  const nameOf = (ms: number) => `engagement_event_${ago(ms).slice(0, 10).replaceAll('-', '')}`;
  afterEach(() => runOn(database));

  test('that are missing are made, and those that are old are dropped, by several workers at once', async () => {
    await postgres.query(`DROP TABLE ${nameOf(-DAY_MS)}, ${nameOf(0)}`);
    const day = ago(20 * DAY_MS).slice(0, 10);
    await postgres.query(
      `CREATE TABLE ${nameOf(20 * DAY_MS)} PARTITION OF engagement_event FOR VALUES FROM ('${day}') TO ('${ago(19 * DAY_MS).slice(0, 10)}')`,
    );
    await Promise.all([runOn(database), runOn(dying)]);
    await runOn(database);
    const names = await partitions();
    expect(names).toEqual(expect.arrayContaining([nameOf(-DAY_MS), nameOf(0)]));
    expect(names).not.toContain(nameOf(20 * DAY_MS));
    expect(await record(event(), event({ at: ago(7 * DAY_MS) }), event({ at: ago(-5 * MINUTE_MS) }))).toBe(3);
  });

  test('are made while somebody reads for long', async () => {
    await postgres.query(`DROP TABLE ${nameOf(-2 * DAY_MS)}`);
    const end = await postgres.holdTransaction('SELECT count(*) FROM engagement_event');
    try {
      await runOn(database);
      expect(await partitions()).toContain(nameOf(-2 * DAY_MS));
    } finally {
      await end();
    }
  });
});

describe('what was delivered is found in', () => {
  const scan = async (types: string) => {
    const worker = new DeliveriesWorker(
      new DeliveryScanStore(database),
      events,
      configOf({ ENGAGEMENT_EVENT_TYPES: types }),
    );
    await worker.runOnce(); // it begins to look now
    await postgres.query(
      `UPDATE engagement_watermark SET at = now() - interval '3 hours' WHERE name ~ '(60|3600)$'`,
    );
    await Promise.all([worker.runOnce(), worker.runOnce()]);
    await worker.runOnce();
  };
  const found = () =>
    postgres.query(
      `SELECT id, kind, user_id AS "userId", channel, campaign, template FROM engagement_event ORDER BY id`,
    );

  test('messages whose delivery was reported, if they are to be counted', async () => {
    const insert = (id: string, state: string, tracking: string | null) =>
      postgres.query(
        `INSERT INTO message (id, user_id, channel, tier, category, body, state, expires_at, created_at, settled_at, tracking, bucket)
         VALUES ($1, 'ada', 'sms', 'important', 'promo', '', $2, now(), now() - interval '2 hours', now(), $3, bucket_of('ada'))`,
        [id, state, tracking],
      );
    await insert('counted', 'delivered', '{"campaign":"autumn","template":"hello"}');
    await insert('sent', 'sent', '{}');
    await insert('not counted', 'delivered', null);
    await scan('');
    expect(await found()).toEqual([
      {
        id: 'message:counted',
        kind: 'delivered',
        userId: 'ada',
        channel: 'sms',
        campaign: 'autumn',
        template: 'hello',
      },
    ]);
  });

  test('members of campaigns to whom the goal happened, once for each campaign', async () => {
    await postgres.query(
      `INSERT INTO campaign (name, state, author, body) VALUES ('autumn', 'done', '{}', '{"template":{"name":"hello","version":1}}')`,
    );
    await postgres.query(
      `INSERT INTO campaign_member (campaign, user_id, state, audience, channel, due_at, converted_at, bucket)
       SELECT 'autumn', u, 'queued', 'all', 'push', now(), CASE u WHEN 'ada' THEN now() - interval '2 hours' END, bucket_of(u)
       FROM unnest(ARRAY['ada', 'ben']) u`,
    );
    await scan('');
    await scan('');
    expect(await found()).toEqual([
      {
        id: 'converted:autumn',
        kind: 'converted',
        userId: 'ada',
        channel: 'push',
        campaign: 'autumn',
        template: 'hello',
      },
    ]);
  });

  test('receipts of the types that are to be counted, once for each device', async () => {
    const insert = (device: string, type: string, state: number) =>
      postgres.query(
        `INSERT INTO receipt (user_id, "offset", device_id, epoch, event_id, type, state, received_at, created_at, bucket)
         VALUES ('ada', 1, $1, 'e', 'a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a11', $2, $3, now(), now() - interval '2 hours', bucket_of('ada'))`,
        [device, type, state],
      );
    await insert('phone', 'promo.started', 3);
    await insert('tv', 'promo.started', 1);
    await insert('web', 'other.type', 2);
    await scan('promo.started');
    expect(await found()).toEqual([
      expect.objectContaining({
        id: 'receipt:a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a11:phone',
        kind: 'delivered',
        template: 'promo.started',
      }),
    ]);
  });
});
