import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RollupQueryStore } from '../../../src/engagement/analytics/rollup-query.store.js';
import { VALUES_A_DAY } from '../../../src/engagement/rollups/folding.js';
import { RollupStore } from '../../../src/engagement/rollups/rollup.store.js';
import { RollupsWorker } from '../../../src/engagement/rollups/rollups.worker.js';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import type { Database } from '../../../src/platform/postgres/database.js';
import { ago, DAY_MS, MINUTE_MS } from '../../support/ago.js';
import { EngagementInProcess, event } from '../../support/in-process/engagement.js';

let engagement: EngagementInProcess;
beforeAll(async () => {
  engagement = await EngagementInProcess.start();
});
afterAll(() => engagement.stop());
beforeEach(() => engagement.clear());

const workerOn = (its: Database = engagement.database) =>
  new RollupsWorker(new RollupStore(its), engagement.configOf(), new MetricsService());
/** The counts of the day roll-ups of everything, by kind. */
const daily = async () => {
  const rows = await engagement.postgres.query<{ kind: string; people: string }>(
    `SELECT kind, sum(people) AS people FROM engagement_rollup
     WHERE grain = 'day' AND team = '*' AND campaign = '*' AND dimension = 'all' AND kind <> '*' GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ kind, people }) => [kind, Number(people)]));
};

describe('an event', () => {
  test('is stored once, however often it is sent: in one call, in several at once, and on another day', async () => {
    const one = event();
    expect(await engagement.record(one, one)).toBe(1);
    const together = await Promise.all(
      Array.from({ length: 8 }, () => engagement.events.record([[one], [event()]])),
    );
    expect(together.map(([again]) => again)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(await engagement.record({ ...one, at: ago(3 * DAY_MS) })).toBe(0);
    expect(await engagement.record({ ...one, userId: 'ben' })).toBe(1);
  });

  test('that is sent by several calls for the first time counts for one of them', async () => {
    const one = event();
    const counts = await Promise.all(Array.from({ length: 8 }, () => engagement.record(one)));
    expect(counts.toSorted()).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
  });
});

describe('the roll-ups', () => {
  test('count an event by minute, hour and day, for all, its team, its campaign and both, and for each of its dimensions', async () => {
    await engagement.record(
      event(),
      event({ campaign: 'winter', platform: 'tv', isMachine: true }),
      event({ team: undefined }),
    );
    await workerOn().runOnce();
    const rows = await engagement.postgres.query<{ of: string; people: string; machines: string }>(
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
    const grains = await engagement.postgres.query(
      `SELECT grain FROM engagement_rollup WHERE team = '*' AND campaign = '*' AND dimension = 'all' AND kind <> '*' ORDER BY 1`,
    );
    expect(grains).toEqual([{ grain: 'day' }, { grain: 'hour' }, { grain: 'minute' }]);
  });

  test('count all kinds together by hour and day, which a question without a kind reads', async () => {
    await engagement.record(event(), event({ kind: 'tapped' }), event({ kind: 'tapped', isMachine: true }));
    await workerOn().runOnce();
    const rows = await engagement.postgres.query(
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
    await engagement.record(event({ at }));
    await workerOn().runOnce();
    await engagement.record(event({ at }), event());
    await workerOn().runOnce();
    const rows = await engagement.postgres.query<{ people: string }>(
      `SELECT people FROM engagement_rollup WHERE grain = 'minute' AND team = '*' AND campaign = '*' AND dimension = 'all'
       AND at = date_trunc('minute', $1::timestamptz)`,
      [at],
    );
    expect(rows).toEqual([{ people: '2' }]);
    expect(await daily()).toEqual({ opened: 3 });
  });

  test('have each event once although the worker is killed at any statement, or at the commit', async () => {
    await engagement.record(event(), event({ kind: 'tapped' }));
    const died: unknown[] = [];
    for (const dyingAt of [1, 2, 3, 4, 5, 6, 'commit', undefined] as const) {
      engagement.dying.dyingAt = dyingAt;
      await workerOn(engagement.dying)
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
        await engagement.record(
          ...Array.from({ length: 25 }, () => event({ userId, at: ago(n * MINUTE_MS) })),
        );
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
    const end = await engagement.postgres.holdTransaction(
      `WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(hashtextextended('engagement', 0)))
       INSERT INTO engagement_event (day, user_id, id, kind, at, bucket)
       SELECT current_date, 'slow', 'slow', 'opened', now(), bucket_of('slow') FROM locked`,
    );
    try {
      await engagement.record(event({ kind: 'tapped' }));
      await expect(workerOn().runOnce()).rejects.toMatchObject({ code: '55P03' });
      expect(await daily()).toEqual({});
    } finally {
      await end('COMMIT');
    }
    await workerOn().runOnce();
    expect(await daily()).toEqual({ opened: 1, tapped: 1 });
  });

  test('are up to date while nothing comes in, unless another worker is at it', async () => {
    await engagement.record(event());
    await workerOn().runOnce();
    const { postgres } = engagement;
    const isUpToDate = async () => {
      const [row] = await postgres.query<{ is: boolean }>(
        `SELECT at > now() - interval '1 minute' AS is FROM engagement_watermark WHERE name = 'rollups'`,
      );
      return row?.is;
    };
    await postgres.query(`UPDATE engagement_watermark SET at = now() - interval '1 hour'`);
    const release = await postgres.holdTransaction(
      `SELECT FROM engagement_watermark WHERE name = 'rollups' FOR UPDATE`,
    );
    await workerOn().runOnce();
    expect(await isUpToDate()).toBe(false);
    await release();
    await workerOn().runOnce();
    expect(await isUpToDate()).toBe(true);
  });

  test('count names that are too many for their day as (other), and lose none of them', async () => {
    const kinds = Array.from(
      { length: VALUES_A_DAY.kind + 10 },
      (_, n) => `kind.${String(n).padStart(3, '0')}`,
    );
    const at = ago(MINUTE_MS);
    await engagement.record(...kinds.map((kind) => event({ kind, at })));
    const metrics = new MetricsService();
    const worker = new RollupsWorker(new RollupStore(engagement.database), engagement.configOf(), metrics);
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
    await engagement.record(event({ kind: 'kind.000', at }), event({ kind: 'another', at }));
    await worker.runOnce();
    expect(await daily()).toMatchObject({ 'kind.000': 2, '(other)': 11 });
    expect(await daily()).not.toHaveProperty('another');
  });

  test('answer in buckets, of which the counts are those of the events', async () => {
    const starts = [3, 2, 1, 0].map((days) => Date.parse(ago(days * DAY_MS).slice(0, 10)));
    const at = (n: number) => new Date((starts[n] ?? 0) + 3_600_000).toISOString();
    await engagement.record(
      event({ at: at(0) }),
      event({ at: at(2), platform: 'tv' }),
      event({ at: at(2), platform: 'tv', kind: 'tapped' }),
    );
    await workerOn().runOnce();
    const end = (starts[3] ?? 0) + DAY_MS;
    const query = { starts, end, grain: 'day', interval: 'day', timezone: 'UTC' } as const;
    const store = new RollupQueryStore(engagement.database);
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
