import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { ConsistencyChecker } from '../../support/consistency-checker.js';
import { ReconnectingDevice } from '../../support/drivers/reconnecting-device.js';
import { subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { type FaultProxy, proxyDatabase } from '../../support/infrastructure/fault-proxy.js';

/**
 * PostgreSQL executes a statement, but its reply never reaches the node, which cannot know the outcome. The node under test
 * reaches PostgreSQL through a proxy; the workers (sweep, retries) run on the other node.
 */
const READY_FOR_QUERY = Buffer.from([0x5a, 0, 0, 0, 5]);
const isComplete = (reply: Buffer): boolean => reply.includes(READY_FOR_QUERY);
const RECOVERY_MS = 15_000;

let worker: TestUsher;
let node: TestUsher;
let proxy: FaultProxy;
let devices: ReconnectingDevice[];
const checker = new ConsistencyChecker();

beforeAll(async () => {
  worker = await startUsher({ LOG_LEVEL: 'warn' });
  const proxied = await proxyDatabase(worker.database.url);
  proxy = proxied.proxy;
  node = await worker.another({ DATABASE_URL: proxied.url, ROLES: 'gateway,api' });
  await node.backOffice.putPlan('premium', ['price_premium']);
  devices = ['ann', 'ben', 'cleo', 'dan'].map(
    (userId, n) => new ReconnectingDevice(userId, `${userId}-tv`, [(n % 2 === 0 ? node : worker).url]),
  );
  await Promise.all(devices.map((device) => device.start()));
}, 60_000);

afterAll(async () => {
  for (const device of devices) device.close();
  await worker.stop();
  await proxy.close();
});

const loseReplyTo = (request: string) => proxy.loseReply({ request, isComplete });

const created = (userId: string) =>
  node.stripe.event('customer.subscription.created', {
    ...subscriptionIds(userId),
    price: 'price_premium',
    status: 'active',
  });

/** Expects that the webhook was applied once, in one version, and that each device of the user received it once. */
async function appliedOnce(userId: string): Promise<void> {
  const own = devices.filter((device) => device.userId === userId);
  const versions = (device: ReconnectingDevice) =>
    device.eventLog.applied
      .filter(({ type }) => type === 'membership.changed')
      .map(({ data }) => data.version);
  for (const device of own)
    await eventually(`${userId} receives the change`, () => versions(device).length > 0, RECOVERY_MS);
  expect(await node.backOffice.entitlement(userId)).toMatchObject({ version: 1, planId: 'premium' });
  expect(
    await worker.database.query('SELECT version FROM membership_history WHERE user_id = $1', [userId]),
  ).toHaveLength(1);
  for (const device of own) expect(versions(device)).toEqual([1]);
}

describe('when PostgreSQL’s reply to a statement is lost', () => {
  test('a webhook that may or may not be stored is not acknowledged, and its retry is recognized as the same webhook', async () => {
    const webhook = created('ann');
    const replyLost = loseReplyTo('webhook-insert:');
    const first = await node.stripe.send(webhook);
    await replyLost;
    expect(first).toMatchObject({ status: 503, body: { code: 'unavailable', retryable: true } });
    expect(await node.stripe.send(webhook)).toMatchObject({ status: 200, body: { duplicate: true } });
    await appliedOnce('ann');
  }, 30_000);

  test('a webhook that was applied is not applied again, and the devices still receive the change', async () => {
    const webhook = created('ben');
    const replyLost = loseReplyTo('COMMIT');
    expect((await node.stripe.send(webhook)).status).toBe(200);
    await replyLost;
    expect((await node.stripe.send(webhook)).status).toBe(200);
    await appliedOnce('ben');
  }, 30_000);

  test.each([
    ['the reply to its write', 'append:', 'cleo', 'critical'],
    ['the reply to its write', 'append:', 'dan', 'important'],
    ['the reply to its commit', 'COMMIT', 'cleo', 'critical'],
    ['the reply to its commit', 'COMMIT', 'dan', 'important'],
  ] as const)(
    'an event with an Idempotency-Key is published once, although %s was lost (%s, %s)',
    async (_, request, userId, tier) => {
      const event = checker.nextEvent(userId);
      const headers = { 'idempotency-key': randomUUID() };
      const publish = () => checker.publish(node.backOffice, userId, tier, headers, event);
      const replyLost = loseReplyTo(request);
      const first = await publish();
      await replyLost;
      expect(first).toMatchObject({ status: 503, body: { retryable: true } });
      const { body } = await eventually('the retry is accepted', async () => {
        const reply = await publish();
        return reply?.status === 202 && reply;
      });
      const [accepted] = body.accepted as { id: string; offset: number }[];
      const again = await node.backOffice.publish(
        [{ userId, type: 'note.tracked', tier, data: event }],
        headers,
      );
      expect(again).toMatchObject({ status: 202, body });
      const stored = await worker.database.query(
        `SELECT id, "offset"::int FROM mailbox_entry WHERE user_id = $1 AND (data->>'sequence')::int = $2`,
        [userId, event.sequence],
      );
      expect(stored).toEqual([accepted]);
      await checker.expectConsistent(devices, RECOVERY_MS);
    },
    30_000,
  );
});
