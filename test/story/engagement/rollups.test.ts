import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RollupQueryStore } from '../../../src/engagement/analytics/rollup-query.store.js';
import { DeliveriesWorker } from '../../../src/engagement/deliveries/deliveries.worker.js';
import { DELIVERY_SOURCES, scansOf } from '../../../src/engagement/deliveries/delivery-scan.js';
import { DeliveryScanStore } from '../../../src/engagement/deliveries/delivery-scan.store.js';
import type { EngagementEvent } from '../../../src/engagement/engagement-event.js';
import { LiveBucketStore } from '../../../src/engagement/live/live-bucket.store.js';
import { PartitionStore } from '../../../src/engagement/partitions/partition.store.js';
import { PartitionsWorker } from '../../../src/engagement/partitions/partitions.worker.js';
import { EngagementEventStore } from '../../../src/engagement/recording/engagement-event.store.js';
import { VALUES_A_DAY } from '../../../src/engagement/rollups/folding.js';
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

/** From which scans of deliveries a new installation begins. */
let begun: string[];

beforeAll(async () => {
  postgres = await createDatabase();
  const rows = await postgres.query<{ name: string }>('SELECT name FROM engagement_watermark');
  begun = rows.map(({ name }) => name);
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
    'TRUNCATE campaign, campaign_member, engagement_event, engagement_rollup, engagement_value, message, push, receipt',
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
     WHERE grain = 'day' AND team = '*' AND campaign = '*' AND dimension = 'all' AND kind <> '*' GROUP BY 1 ORDER BY 1`,
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
       WHERE grain = 'hour' AND kind = 'opened' AND dimension IN ('all', 'platform', 'campaign') ORDER BY 1`,
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
      `SELECT grain FROM engagement_rollup WHERE team = '*' AND campaign = '*' AND dimension = 'all' AND kind <> '*' ORDER BY 1`,
    );
    expect(grains).toEqual([{ grain: 'day' }, { grain: 'hour' }, { grain: 'minute' }]);
  });

  test('count all kinds together by hour and day, which a question without a kind reads', async () => {
    await record(event(), event({ kind: 'tapped' }), event({ kind: 'tapped', isMachine: true }));
    await workerOn().runOnce();
    const rows = await postgres.query(
      `SELECT grain, dimension, value, people::int, machines::int FROM engagement_rollup
       WHERE team = '*' AND campaign = '*' AND kind = '*' AND dimension IN ('all', 'platform') ORDER BY 1, 2`,
    );
    const counts = { people: 2, machines: 1 };
    expect(rows).toEqual(
      ['day', 'hour'].flatMap((grain) => [
        { grain, dimension: 'all', value: '', ...counts },
        { grain, dimension: 'platform', value: 'ios', ...counts },
      ]),
    );
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
    for (const dyingAt of [1, 2, 3, 4, 5, 6, 'commit', undefined] as const) {
      dying.dyingAt = dyingAt;
      await workerOn(dying)
        .runOnce()
        .catch(() => died.push(dyingAt));
      expect(await daily()).toEqual(dyingAt === undefined ? { opened: 1, tapped: 1 } : {});
    }
    expect(died).toEqual([1, 2, 3, 4, 5, 6, 'commit']);
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

  test('count names that are too many for their day as (other), and lose none of them', async () => {
    const kinds = Array.from(
      { length: VALUES_A_DAY.kind + 10 },
      (_, n) => `kind.${String(n).padStart(3, '0')}`,
    );
    const at = ago(MINUTE_MS);
    await record(...kinds.map((kind) => event({ kind, at })));
    const metrics = new MetricsService();
    const worker = new RollupsWorker(new RollupStore(database), configOf(), metrics);
    await worker.runOnce();
    const days = await daily();
    expect([Object.keys(days).length, days['(other)'], days['kind.000']]).toEqual([
      VALUES_A_DAY.kind + 1,
      10,
      1,
    ]);
    expect(await metrics.registry.metrics()).toContain(
      'usher_engagement_values_folded_total{dimension="kind"} 10',
    );
    // What has a place keeps it, whatever comes later.
    await record(event({ kind: 'kind.000', at }), event({ kind: 'another', at }));
    await worker.runOnce();
    expect(await daily()).toMatchObject({ 'kind.000': 2, '(other)': 11 });
    expect(await daily()).not.toHaveProperty('another');
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
    const query = { starts, end, grain: 'day', interval: 'day', timezone: 'UTC' } as const;
    const store = new RollupQueryStore(database);
    const sorted = async (more: object) =>
      (await store.read({ ...query, ...more }))
        .flatMap(({ group, buckets, people }) =>
          buckets.map((bucket, n) => `${bucket} ${group} ${people[n] ?? 0}`),
        )
        .toSorted();
    expect(await sorted({})).toEqual(['0  1', '2  2']);
    expect(await sorted({ groupBy: 'kind' })).toEqual(['0 opened 1', '2 opened 1', '2 tapped 1']);
    expect(await sorted({ groupBy: 'platform', kind: 'opened' })).toEqual(['0 ios 1', '2 tv 1']);
    expect(await sorted({ team: 'film', campaign: 'autumn', kind: 'tapped' })).toEqual(['2  1']);
    expect(await sorted({ campaign: 'winter' })).toEqual([]);
  });
});

describe('what is watched live', () => {
  const scope = { team: '*', campaign: '*' };
  const insert = (rows: number, version: string) =>
    postgres.query(
      `INSERT INTO engagement_rollup (grain, team, campaign, dimension, at, kind, value, people, machines, version)
       SELECT 'minute', '*', '*', 'all', date_trunc('minute', now()) - n % 60 * interval '1 minute', 'kind ' || n / 60, '', 1, 0, ${version}
       FROM generate_series(0, $1::int - 1) n`,
      [rows],
    );
  const read = async (since: number, until: number) =>
    (await new LiveBucketStore(database).read([[scope, since]], ago(65 * MINUTE_MS), until))[0];

  test('is read whole, however much has changed, also by one slice', async () => {
    await insert(3_500, '7');
    const changes = await read(0, 9);
    expect([changes?.counts.length, changes?.version]).toEqual([3_500, 9]);
    expect(new Set(changes?.counts.map(({ at, kind }) => `${at} ${kind}`)).size).toBe(3_500);
    expect(await read(7, 9)).toEqual({ counts: [], version: 9 });
  });

  test('goes on where it stopped when there is more than one read takes', async () => {
    await insert(20_000, 'n');
    const first = await read(0, 30_000);
    expect(first?.counts.length).toBe(16_000);
    const rest = await read(first?.version ?? 0, 30_000);
    const all = [...(first?.counts ?? []), ...(rest?.counts ?? [])];
    expect([new Set(all.map(({ version }) => version)).size, rest?.version]).toEqual([20_000 - 1, 30_000]);
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

test('deliveries are counted from the installation on, and not from when a worker first lives long enough to look', () => {
  const scans = scansOf(DELIVERY_SOURCES.filter((source) => source !== 'receipts'));
  expect(begun.toSorted()).toEqual(['rollups', ...scans.map(({ name }) => name)].toSorted());
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

  test('messages that were reported, and mails that the mail server took, if they are to be counted', async () => {
    const insert = (id: string, channel: string, state: string, tracking: string | null) =>
      postgres.query(
        `INSERT INTO message (id, user_id, channel, tier, category, body, state, expires_at, created_at, sent_at, settled_at, tracking, bucket)
         VALUES ($1, 'ada', $2, 'important', 'promo', '', $3, now(), now() - interval '3 hours', now() - interval '2 hours',
           CASE $3 WHEN 'sent' THEN NULL ELSE now() - interval '2 hours' END, $4, bucket_of('ada'))`,
        [id, channel, state, tracking],
      );
    const tracking = '{"campaign":"autumn","template":"hello"}';
    await insert('counted', 'sms', 'delivered', tracking);
    await insert('mailed', 'email', 'sent', tracking);
    await insert('bounced', 'email', 'failed', tracking);
    await insert('sent', 'sms', 'sent', '{}');
    await insert('not counted', 'sms', 'delivered', null);
    await scan('');
    await scan('');
    const of = { kind: 'delivered', userId: 'ada', campaign: 'autumn', template: 'hello' };
    expect(await found()).toEqual([
      { ...of, id: 'message:counted', channel: 'sms' },
      { ...of, id: 'message:mailed', channel: 'email' },
    ]);
  });

  const EVENT = 'a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a11';
  const OTHER_EVENT = 'a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a12';
  const tellAda = async () => {
    await postgres.query(
      `INSERT INTO campaign (name, state, author, body) VALUES ('autumn', 'done', '{}', '{"template":{"name":"hello","version":1}}')`,
    );
    await postgres.query(
      `INSERT INTO campaign_member (campaign, user_id, state, audience, channel, event_id, due_at, bucket)
       VALUES ('autumn', 'ada', 'queued', 'all', 'push', $1, now(), bucket_of('ada'))`,
      [EVENT],
    );
  };

  test('pushes of a campaign that a provider took, each device once, and cleared or not', async () => {
    await tellAda();
    const insert = (device: string, campaign: string | null, state: string, action = 'show') =>
      postgres.query(
        `INSERT INTO push (user_id, device_id, event_id, key, type, tier, epoch, "offset", vendor, action, state, expires_at, settled_at, campaign_id, bucket)
         VALUES ('ada', $1, $2, 'k', 'campaign.message', 'important', 'e', 1, 'fcm', $3, $4, now(), now() - interval '2 hours', $5, bucket_of('ada'))`,
        [device, EVENT, action, state, campaign],
      );
    await insert('phone', 'autumn', 'delivered');
    await insert('tablet', 'autumn', 'cleared', 'clear');
    await insert('watch', 'autumn', 'gone');
    await insert('web', null, 'delivered');
    await scan('');
    await scan('');
    expect(await found()).toEqual(
      ['phone', 'tablet'].map((device) => ({
        id: `push:${EVENT}:${device}`,
        kind: 'delivered',
        userId: 'ada',
        channel: 'push',
        campaign: 'autumn',
        template: 'hello',
      })),
    );
  });

  test('receipts of the event of a campaign, once for each device, for the campaign and not for the type', async () => {
    await tellAda();
    const insert = (device: string, event: string, state: number, offset: number) =>
      postgres.query(
        `INSERT INTO receipt (user_id, "offset", device_id, epoch, event_id, type, state, received_at, created_at, bucket)
         VALUES ('ada', $4, $1, 'e', $2, 'campaign.message', $3, now(), now() - interval '2 hours', bucket_of('ada'))`,
        [device, event, state, offset],
      );
    await insert('phone', EVENT, 4, 1);
    await insert('tv', EVENT, 1, 1);
    // As of a test of a campaign: nobody is a member by it.
    await insert('phone', OTHER_EVENT, 4, 2);
    await scan('campaign.message');
    await scan('campaign.message');
    expect(await found()).toEqual([
      {
        id: `receipt:${EVENT}:phone`,
        kind: 'delivered',
        userId: 'ada',
        channel: 'app',
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
