import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { ConsistencyChecker } from '../support/consistency-checker.js';
import { type FaultProxy, faultProxy } from '../support/infrastructure/fault-proxy.js';
import { ReconnectingDevice } from '../support/drivers/reconnecting-device.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

/**
 * RELIABILITY: F8. PostgreSQL carries a statement out, and its answer never reaches the node: the node cannot know. The
 * node under test has a wire of its own to PostgreSQL; the workers (sweep, retries) run on the other one.
 */
const READY_FOR_QUERY = Buffer.from([0x5a, 0, 0, 0, 5]);
const replied = (reply: Buffer): boolean => reply.includes(READY_FOR_QUERY);
const RECOVERY_MS = 15_000;

let worker: TestUsher;
let node: TestUsher;
let wire: FaultProxy;
let devices: ReconnectingDevice[];
const checker = new ConsistencyChecker();

beforeAll(async () => {
  worker = await startUsher({ LOG_LEVEL: 'warn' });
  const real = new URL(worker.database.url);
  wire = await faultProxy({ host: real.hostname, port: Number(real.port) });
  const proxied = new URL(real);
  proxied.port = String(wire.port);
  node = await worker.another({ DATABASE_URL: proxied.href, ROLES: 'gateway,api' });
  await node.backOffice.putPlan('premium', ['price_premium']);
  devices = ['ann', 'ben', 'cleo', 'dan'].map(
    (userId, n) => new ReconnectingDevice(userId, `${userId}-tv`, [(n % 2 === 0 ? node : worker).url]),
  );
  await Promise.all(devices.map((device) => device.start()));
}, 60_000);

afterAll(async () => {
  for (const device of devices) device.close();
  await worker.stop();
  await wire.close();
});

const lose = (request: string) => wire.loseReply({ request, replied });

const created = (userId: string) =>
  node.stripe.event('customer.subscription.created', {
    id: `sub_${userId}`,
    userId,
    customer: `cus_${userId}`,
    price: 'price_premium',
    status: 'active',
  });

/** The plan is in force, made by one webhook in one version, and each device of the user was told it once. */
async function appliedOnce(userId: string): Promise<void> {
  const own = devices.filter((device) => device.userId === userId);
  const versions = (device: ReconnectingDevice) =>
    device.eventLog.applied
      .filter(({ type }) => type === 'membership.changed')
      .map(({ data }) => data.version);
  for (const device of own)
    await eventually(`${userId} is told`, () => versions(device).length > 0, RECOVERY_MS);
  expect(await node.backOffice.entitlement(userId)).toMatchObject({ version: 1, planId: 'premium' });
  expect(
    await worker.database.query('SELECT version FROM membership_history WHERE user_id = $1', [userId]),
  ).toHaveLength(1);
  for (const device of own) expect(versions(device)).toEqual([1]);
}

describe('when PostgreSQL’s reply to a statement is lost', () => {
  test('a webhook that may or may not be stored is not acknowledged, and its retry is recognized as the same webhook', async () => {
    const event = created('ann');
    const lost = lose('webhook-store:');
    const first = await node.stripe.send(event);
    await lost;
    expect(first).toMatchObject({ status: 503, body: { code: 'unavailable', retryable: true } });
    expect(await node.stripe.send(event)).toMatchObject({ status: 200, body: { duplicate: true } });
    await appliedOnce('ann');
  }, 30_000);

  test('a webhook that was applied is not applied again, and the devices still receive the change', async () => {
    const event = created('ben');
    const lost = lose('COMMIT');
    expect((await node.stripe.send(event)).status).toBe(200);
    await lost;
    expect((await node.stripe.send(event)).status).toBe(200);
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
      const note = checker.nextEvent(userId);
      const headers = { 'idempotency-key': randomUUID() };
      const publish = () => checker.publish(node.backOffice, userId, tier, headers, note);
      const lost = lose(request);
      const first = await publish();
      await lost;
      expect(first).toMatchObject({ status: 503, body: { retryable: true } });
      const { body } = await eventually('the retry is taken', async () => {
        const reply = await publish();
        return reply?.status === 202 && reply;
      });
      const [accepted] = body.accepted as { id: string; offset: number }[];
      const again = await node.backOffice.publish([{ userId, type: 'note.owed', tier, data: note }], headers);
      expect(again).toMatchObject({ status: 202, body });
      const kept = await worker.database.query(
        `SELECT id, "offset"::int FROM mailbox_entry WHERE user_id = $1 AND (data->>'mark')::int = $2`,
        [userId, note.sequence],
      );
      expect(kept).toEqual([accepted]);
      await checker.expectConsistent(devices, RECOVERY_MS);
    },
    30_000,
  );
});
