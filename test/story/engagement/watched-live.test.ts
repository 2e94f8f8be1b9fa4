import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { LiveBucketStore } from '../../../src/engagement/live/live-bucket.store.js';
import { ago, MINUTE_MS } from '../../support/ago.js';
import { EngagementInProcess } from '../../support/in-process/engagement.js';

let engagement: EngagementInProcess;
beforeAll(async () => {
  engagement = await EngagementInProcess.start();
});
afterAll(() => engagement.stop());
beforeEach(() => engagement.clear());

describe('what is watched live', () => {
  const scope = { team: '*', campaign: '*' };
  const insert = (rows: number, version: string) =>
    engagement.postgres.query(
      `INSERT INTO engagement_rollup (grain, team, campaign, dimension, at, kind, value, people, machines, version)
       SELECT 'minute', '*', '*', 'all', date_trunc('minute', now()) - n % 60 * interval '1 minute', 'kind ' || n / 60, '', 1, 0, ${version}
       FROM generate_series(0, $1::int - 1) n`,
      [rows],
    );
  const read = async (since: number, until: number) =>
    (await new LiveBucketStore(engagement.database).read([[scope, since]], ago(65 * MINUTE_MS), until))[0];

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
