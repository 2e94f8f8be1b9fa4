import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { READ_ROLLUPS } from '../../../src/engagement/analytics/rollup-query.store.js';
import '../../../src/engagement/live/live-bucket.store.js';
import { SESSION_OPTIONS } from '../../../src/platform/postgres/database.js';
import { knownStatements } from '../../../src/platform/postgres/statement.js';
import { executedPlanOf, mostRowsRead, printed } from '../../../tools/explain-statements.mjs';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url, options: SESSION_OPTIONS });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** A year of one team and five campaigns: days of all of it, hours of a month, minutes of two days. */
const A_YEAR_OF_ENGAGEMENT = `
  INSERT INTO engagement_rollup (grain, team, campaign, dimension, at, kind, value, people, machines, version)
    SELECT g.grain, s.team, s.campaign, d.dimension, g.at, k.kind, d.value, 7, 1, extract(epoch FROM g.at)
    FROM (
      SELECT 'day' AS grain, generate_series(date_trunc('day', now()) - interval '364 days', now(), interval '1 day') AS at
      UNION ALL SELECT 'hour', generate_series(date_trunc('hour', now()) - interval '30 days', now(), interval '1 hour')
      UNION ALL SELECT 'minute', generate_series(date_trunc('minute', now()) - interval '1 day', now(), interval '1 minute')
    ) g
    CROSS JOIN (VALUES ('*', '*'), ('film', '*'), ('*', 'c1'), ('*', 'c2'), ('film', 'c1')) AS s (team, campaign)
    CROSS JOIN (VALUES ('opened'), ('tapped'), ('*')) AS k (kind)
    CROSS JOIN LATERAL (
      SELECT 'all' AS dimension, '' AS value UNION ALL SELECT 'platform', p FROM unnest(ARRAY['ios', 'tv', 'web']) p
      UNION ALL SELECT 'campaign', c FROM unnest(ARRAY['c1', 'c2', 'c3', 'c4', 'c5']) c WHERE s.campaign = '*'
    ) d
    WHERE g.grain <> 'minute' OR k.kind <> '*';
  ANALYZE engagement_rollup`;

describe('engagement over a year of roll-ups', () => {
  beforeAll(() => client.query(A_YEAR_OF_ENGAGEMENT));

  const HOUR_MS = 3_600_000;
  /** Buckets that end now, as read-rollups.sql gets them. */
  const bucketsOf = (count: number, widthMs: number): [starts: string, end: string] => {
    const end = Math.ceil(Date.now() / widthMs) * widthMs;
    const starts = Array.from({ length: count }, (_, n) =>
      new Date(end - (count - n) * widthMs).toISOString(),
    );
    return [`{${starts.join(',')}}`, new Date(end).toISOString()];
  };
  const [days, hours, minutes] = [24 * HOUR_MS, HOUR_MS, 60_000];
  type Read = [
    what: string,
    grain: string,
    of: [team: string, campaign: string, dimension: string, kind: string | null],
    count: number,
    width: number,
    rows: number,
  ];
  test.each<Read>([
    ['seven days by the hour', 'hour', ['*', '*', 'all', '*'], 168, hours, 1],
    ['thirty days by the hour and kind, of a team', 'hour', ['film', '*', 'all', null], 720, hours, 3],
    ['thirty days by platform', 'hour', ['*', 'c1', 'platform', 'opened'], 720, hours, 3],
    ['a year by kind', 'day', ['*', '*', 'all', null], 365, days, 3],
    ['a year of one kind', 'day', ['*', '*', 'all', 'tapped'], 365, days, 1],
    ['a year by campaign', 'day', ['film', '*', 'campaign', '*'], 365, days, 5],
    ['a year of a campaign by platform', 'day', ['film', 'c1', 'platform', '*'], 365, days, 3],
    ['a year by the week and country', 'day', ['*', '*', 'platform', '*'], 52, 7 * days, 21],
    ['a day by the minute', 'minute', ['*', 'c2', 'all', null], 1_440, minutes, 2],
  ])(
    '%s reads the rows of its buckets by the key, and no others',
    async (_, grain, [team, campaign, dimension, kind], count, width, rows) => {
      const isSingle = { minute: minutes, hour: hours, day: days }[grain] === width;
      const read = READ_ROLLUPS[isSingle ? 'single' : 'added'][kind === null ? 'each' : 'one'];
      const of = [grain, team, campaign, dimension];
      const values = [...of, ...bucketsOf(count, width), kind === null, 100_001, kind];
      const plan = await executedPlanOf(client, read.text, values);
      expect(printed(plan).join('\n')).toContain('engagement_rollup_pkey');
      expect(mostRowsRead(plan)).toBeLessThanOrEqual(count * rows);
      expect(mostRowsRead(plan)).toBeGreaterThanOrEqual((count - (isSingle ? 1 : 2)) * rows);
    },
  );

  test('what is watched live is read by the key, the last hour alone', async () => {
    const found = knownStatements().find(({ name }) => name.startsWith('live-buckets:'));
    const from = new Date(Date.now() - HOUR_MS).toISOString();
    const plan = await executedPlanOf(client, found?.text ?? '', [
      '{*,film}',
      '{*,*}',
      from,
      '{0,0}',
      '{infinity,infinity}',
      '{"",""}',
      1_000,
    ]);
    expect(printed(plan).join('\n')).toContain('engagement_rollup_pkey');
    expect(mostRowsRead(plan)).toBeLessThanOrEqual(2 * 2 * 61);
  });
});
