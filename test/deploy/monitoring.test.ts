import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { subscriptionIds } from '../support/drivers/stripe-webhooks.js';
import { eventually } from '../support/eventually.js';
import { type Sample, samplesOf } from '../support/metric.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

const page = async () => (await fetch(`${usher.url}/metrics`)).text();
/** The samples of a metric whose labels are these. */
const find = (samples: readonly Sample[], name: string, labels: Record<string, string> = {}) =>
  samples.filter(
    (one) => one.name === name && Object.entries(labels).every(([label, of]) => one.labels[label] === of),
  );
const scrape = async (name: string, labels: Record<string, string> = {}) =>
  find(samplesOf(await page()), name, labels).map(({ value }) => value);

describe('a node reports', () => {
  test('which version and commit it is, and by which id the overview knows it', async () => {
    const node = await eventually('the node is in the overview', async () => {
      const { body } = await usher.backOffice.call('GET', '/v1/operations/overview');
      return (body.nodes as { id: string; version: string }[] | undefined)?.[0];
    });
    const [sample] = find(samplesOf(await page()), 'usher_build_info');
    expect(sample).toEqual({
      name: 'usher_build_info',
      labels: { version: node.version, commit: expect.stringMatching(/^([0-9a-f]{40})?$/), node: node.id },
      value: 1,
    });
  });

  test('how long events take until they are written to devices and acknowledged, by tier, and not what devices catch up on', async () => {
    const publish = (tier: string) =>
      usher.backOffice.publish([{ userId: 'ann', type: `note.${tier}`, tier, data: {} }]);
    const { position } = await usher.state('ann');
    await publish('critical');
    const device = await usher.device('ann', 'ann-tv', { position });
    await device.waitFor('note.critical');
    for (const tier of ['critical', 'important', 'routine', 'critical']) await publish(tier);
    await device.waitFor('note.routine');
    const counts = async () => {
      const samples = samplesOf(await page());
      return Object.fromEntries(
        ['written', 'acknowledged'].map((stage) => [
          stage,
          ['critical', 'important', 'routine'].map(
            (tier) => find(samples, 'usher_delivery_seconds_count', { stage, tier })[0]?.value,
          ),
        ]),
      );
    };
    const all = { written: [2, 1, 1], acknowledged: [2, 1, undefined] };
    await eventually('all are acknowledged', async () => {
      const seen = await counts();
      return JSON.stringify(seen) === JSON.stringify(all);
    });
    // They took less than the test has time for, and more than nothing.
    const [sum] = await scrape('usher_delivery_seconds_sum', { stage: 'written', tier: 'critical' });
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(20);
  });

  test('what has waited longest in each queue', async () => {
    const { database, stripe } = usher;
    await stripe.sendEvent('customer.subscription.created', {
      ...subscriptionIds('bob'),
      price: 'price_of_no_plan',
      status: 'active',
    });
    await database.query(
      `INSERT INTO edge_notice (edge_id, key, id, type, data, created_at)
       VALUES ('gone', 'k', gen_random_uuid(), 'stream.stop', '{}', now() - interval '1 hour')`,
    );
    // The sweep skips a handoff that somebody else works on.
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query(
        `INSERT INTO handoff (id, consumer, tier, positions) VALUES (gen_random_uuid(), 'delivery', 'critical', '[]')`,
      );
      await client.query('BEGIN');
      await client.query('SELECT FROM handoff FOR UPDATE');
      await eventually(
        'the handoff waits',
        async () => ((await scrape('usher_handoffs_oldest_seconds', { tier: 'critical' }))[0] ?? 0) > 0.5,
        20_000,
      );
    } finally {
      await client.end();
    }
    const samples = samplesOf(await page());
    const one = (name: string, labels?: Record<string, string>) => find(samples, name, labels)[0]?.value;
    expect(one('usher_handoffs_oldest_seconds', { tier: 'important' })).toBe(0);
    expect(one('usher_webhooks_waiting')).toBe(1);
    expect(one('usher_webhooks_waiting_oldest_seconds')).toBeGreaterThan(0);
    expect(one('usher_edge_notices_oldest_seconds')).toBeGreaterThanOrEqual(3_600);
    expect(one('usher_push_oldest_seconds', { vendor: 'apns', tier: 'critical' })).toBe(0);
    expect(one('usher_unsaved_positions_oldest_seconds')).toBe(0);
    expect(one('usher_recommendation_runs_oldest_seconds')).toBe(0);
    expect(one('usher_statements_waiting', { lane: 'critical' })).toBe(0);
    // The node runs on the machine of the database.
    expect(Math.abs(one('usher_clock_difference_seconds') ?? NaN)).toBeLessThan(5);
    expect(one('usher_lease_key_age_seconds')).toBeGreaterThan(0);
    expect(one('usher_lease_key_rotation_seconds')).toBe(30 * 86_400);
  }, 40_000);
});
