import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ago, DAY_MS, MINUTE_MS } from '../../support/ago.js';
import { EngagementCalls, event } from '../../support/drivers/engagement-calls.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';
import { metric } from '../../support/metric.js';

let usher: TestUsher;
let engagement: EngagementCalls;
beforeAll(async () => {
  usher = await startUsher();
  engagement = new EngagementCalls(usher);
});
afterAll(async () => {
  engagement.stop();
  await usher.stop();
});

describe('GET /v1/analytics/engagement', () => {
  test('returns a number for each bucket, 0 where nothing was done, by groups', async () => {
    const campaign = 'asked';
    await engagement.record(
      event({ campaign, platform: 'ios', at: ago(0) }),
      event({ campaign, platform: 'ios', at: ago(2 * MINUTE_MS) }),
      event({ campaign, platform: 'tv', at: ago(2 * MINUTE_MS), kind: 'tapped' }),
    );
    await engagement.totalsBecome(campaign, { opened: 2, tapped: 1 });
    const answer = await engagement.read({
      campaign,
      from: ago(4 * MINUTE_MS),
      interval: 'minute',
      groupBy: 'kind',
    });
    expect(answer.buckets.length).toBeGreaterThanOrEqual(5);
    expect(answer.series.map(({ group, total }) => [group, total])).toEqual([
      ['opened', 2],
      ['tapped', 1],
    ]);
    const byPlatform = await engagement.read({
      campaign,
      from: ago(DAY_MS),
      interval: 'hour',
      groupBy: 'platform',
    });
    expect(byPlatform.series.map(({ group, total }) => [group, total])).toEqual([
      ['ios', 2],
      ['tv', 1],
    ]);
    for (const { counts } of answer.series) expect(counts).toHaveLength(answer.buckets.length);
    const onlyTaps = await engagement.read({
      campaign,
      kind: 'tapped',
      from: ago(DAY_MS),
      timezone: 'Asia/Tokyo',
    });
    expect(onlyTaps.series).toMatchObject([{ group: null, total: 1 }]);
    expect(onlyTaps.buckets.every((start) => start.endsWith('T15:00:00.000Z'))).toBe(true);
    expect((await engagement.read({ campaign: 'nobody', from: ago(DAY_MS) })).series).toEqual([]);
  });

  test('is answered from memory when it is asked again, until more is counted', async () => {
    const query = {
      campaign: 'cached',
      from: ago(DAY_MS).slice(0, 14) + '00:00Z',
      to: ago(-DAY_MS),
      interval: 'day',
    };
    await engagement.record(event({ campaign: 'cached' }));
    await engagement.totalsBecome('cached', { opened: 1 });
    const reads = () => metric(usher, 'usher_analytics_cache_total', { result: 'miss' });
    await engagement.read(query);
    const before = await reads();
    for (let n = 0; n < 10; n += 1) await engagement.read(query);
    // The roll-ups may have counted another test's events meanwhile.
    expect((await reads()) - before).toBeLessThanOrEqual(1);
    await engagement.record(event({ campaign: 'cached' }));
    await eventually(
      'the second one is counted',
      async () => (await engagement.read(query)).series[0]?.total === 2,
    );
  });

  test('refuses what would be too much, or is no longer kept, and says what to ask instead', async () => {
    expectProblem(
      await engagement.ask({ from: ago(2 * DAY_MS), interval: 'minute' }),
      422,
      'too_many_buckets',
    );
    expectProblem(
      await engagement.ask({ from: ago(20 * DAY_MS), to: ago(20 * DAY_MS - MINUTE_MS), interval: 'minute' }),
      422,
      'not_kept',
    );
    expectProblem(
      await engagement.ask({ from: ago(DAY_MS / 2), interval: 'minute', groupBy: 'country' }),
      422,
      'not_kept',
    );
    expectProblem(await engagement.ask({ from: ago(0), to: ago(DAY_MS) }), 400, 'invalid_request');
    expectProblem(await engagement.ask({ from: ago(-DAY_MS), to: ago(-2 * DAY_MS) }), 400, 'invalid_request');
    expect((await engagement.ask({ from: '0000-01-01T00:00:00Z', to: '1970-01-02T00:00:00Z' })).status).toBe(
      200,
    );
    expectProblem(await engagement.ask({ from: ago(DAY_MS), timezone: 'Mars/Base' }), 400, 'invalid_request');
    expectProblem(await engagement.ask({ from: ago(DAY_MS), groupBy: 'user' }), 400, 'invalid_request');
  });
});

describe('GET /v1/analytics/stream', () => {
  test('shows the last hour, and then what changes; who comes back gets only that', async () => {
    const at = ago(0);
    await engagement.record(
      event({ campaign: 'live', at }),
      event({ campaign: 'live', at: ago(30 * MINUTE_MS), kind: 'tapped' }),
    );
    await engagement.totalsBecome('live', { opened: 1, tapped: 1 });
    const first = await engagement.watch('live');
    await eventually(
      'the last hour is shown',
      () => first.peopleOf('opened') === 1 && first.peopleOf('tapped') === 1,
    );
    await engagement.record(event({ campaign: 'live', at }));
    await eventually('the second one is shown', () => first.peopleOf('opened') === 2);
    const last = first.updates.at(-1)?.id ?? '';
    expect(first.updates.at(-1)?.buckets).toHaveLength(1);
    first.close();
    await engagement.record(event({ campaign: 'live', at, kind: 'dismissed' }));
    await engagement.totalsBecome('live', { opened: 2, tapped: 1, dismissed: 1 });
    const again = await engagement.watch('live', last);
    await eventually('what came meanwhile is shown', () => again.peopleOf('dismissed') === 1);
    expect(again.peopleOf('tapped')).toBeUndefined();
    again.close();
  });

  test('is closed within two seconds when its key is revoked, and when it expires', async () => {
    const newKey = async () =>
      (await usher.backOffice.call('POST', '/v1/keys', { name: 'a wall', scopes: ['read'] })).body as {
        id: string;
        key: string;
      };
    const [revoked, expired] = [await newKey(), await newKey()];
    const [byRevoked, byExpired, byOther] = [
      await engagement.watch('keys', undefined, revoked.key),
      await engagement.watch('keys', undefined, expired.key),
      await engagement.watch('keys'),
    ];
    expect((await usher.backOffice.call('DELETE', `/v1/keys/${revoked.id}`)).status).toBe(204);
    await eventually('that of the revoked key is closed', () => !byRevoked.isOpen(), 2_000);
    expect(byExpired.isOpen()).toBe(true);
    await usher.database.query('UPDATE service_key SET expires_at = now() WHERE id = $1', [expired.id]);
    await eventually('that of the expired key is closed', () => !byExpired.isOpen(), 2_000);
    expect(byOther.isOpen()).toBe(true);
    byOther.close();
  });

  test('costs one query a second for any number of viewers', async () => {
    const count = () => metric(usher, 'usher_statement_seconds_count', { statement: 'live-buckets' });
    const viewers = await Promise.all(Array.from({ length: 20 }, () => engagement.watch('crowd')));
    await eventually('all are there', () => viewers.every(({ updates }) => updates.length === 1));
    const before = await count();
    await engagement.record(event({ campaign: 'crowd' }));
    await eventually('all see it', () => viewers.every(({ peopleOf }) => peopleOf('opened') === 1));
    expect((await count()) - before).toBeLessThanOrEqual(3);
    for (const viewer of viewers) viewer.close();
    await eventually('nobody watches', async () => (await metric(usher, 'usher_analytics_viewers')) === 0);
  });
});
