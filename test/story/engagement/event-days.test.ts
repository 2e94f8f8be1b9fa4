import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PartitionStore } from '../../../src/engagement/partitions/partition.store.js';
import { PartitionsWorker } from '../../../src/engagement/partitions/partitions.worker.js';
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

describe('the days of events', () => {
  const partitions = async () =>
    (
      await engagement.postgres.query<{ name: string }>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'engagement_event'::regclass ORDER BY 1`,
      )
    ).map(({ name }) => name);
  const runOn = (its: Database) =>
    new PartitionsWorker(
      new PartitionStore(its),
      engagement.configOf({ ENGAGEMENT_RETENTION_DAYS: '9' }),
      new MetricsService(),
    ).runOnce();
  const nameOf = (ms: number) => `engagement_event_${ago(ms).slice(0, 10).replaceAll('-', '')}`;
  afterEach(() => runOn(engagement.database));

  test('that are missing are made, and those that are old are dropped, by several workers at once', async () => {
    await engagement.postgres.query(`DROP TABLE ${nameOf(-DAY_MS)}, ${nameOf(0)}`);
    const day = ago(20 * DAY_MS).slice(0, 10);
    await engagement.postgres.query(
      `CREATE TABLE ${nameOf(20 * DAY_MS)} PARTITION OF engagement_event FOR VALUES FROM ('${day}') TO ('${ago(19 * DAY_MS).slice(0, 10)}')`,
    );
    await Promise.all([runOn(engagement.database), runOn(engagement.dying)]);
    await runOn(engagement.database);
    const names = await partitions();
    expect(names).toEqual(expect.arrayContaining([nameOf(-DAY_MS), nameOf(0)]));
    expect(names).not.toContain(nameOf(20 * DAY_MS));
    expect(
      await engagement.record(event(), event({ at: ago(7 * DAY_MS) }), event({ at: ago(-5 * MINUTE_MS) })),
    ).toBe(3);
  });

  test('are made while somebody reads for long', async () => {
    await engagement.postgres.query(`DROP TABLE ${nameOf(-2 * DAY_MS)}`);
    const end = await engagement.postgres.holdTransaction('SELECT count(*) FROM engagement_event');
    try {
      await runOn(engagement.database);
      expect(await partitions()).toContain(nameOf(-2 * DAY_MS));
    } finally {
      await end();
    }
  });
});
