import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { ConsistencyChecker, type TrackedEvent } from '../../support/consistency-checker.js';
import { ReconnectingDevice } from '../../support/drivers/reconnecting-device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { report } from '../../support/report.js';

/** The test takes locks that block every connection of the important and the routine lane. The critical lane must go on. */
const SLOW_USERS = 30;
const URGENT = 20;
/** The longest that a critical request may take while the other lanes are blocked, on two busy cores. */
const URGENT_MS = 1_000;

let usher: TestUsher;
let devices: ReconnectingDevice[];
const checker = new ConsistencyChecker();

beforeAll(async () => {
  const first = await startUsher({ LOG_LEVEL: 'warn', ROLES: 'worker' });
  usher = await first.another({ ROLES: 'gateway,api' });
  stopAll = () => first.stop();
  await usher.backOffice.putPlan('premium', ['price_premium']);
  const users = [...Array.from({ length: SLOW_USERS }, (_, n) => `slow${n}`), 'urgent'];
  devices = users.map((userId) => new ReconnectingDevice(userId, `${userId}-tv`, [usher.url]));
  await Promise.all(devices.map((device) => device.start()));
  for (const userId of users) await checker.publish(usher.backOffice, userId, 'important');
}, 60_000);
let stopAll: () => Promise<void>;
afterAll(async () => {
  for (const device of devices) device.close();
  await stopAll();
});

/**
 * Locks what the statements of the two lanes write, and returns the function that releases the locks. Reading stays possible, since
 * the critical lane reads the devices too.
 */
async function blockLanes(): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: usher.database.url });
  await client.connect();
  await client.query('BEGIN');
  await client.query(`SELECT FROM mailbox WHERE user_id LIKE 'slow%' FOR UPDATE`);
  await client.query('LOCK TABLE playback_position, device IN SHARE MODE');
  return async () => {
    await client.query('ROLLBACK');
    await client.end();
  };
}

const measure = async <T>(act: () => Promise<T>): Promise<readonly [T, number]> => {
  const start = Date.now();
  return [await act(), Date.now() - start];
};

describe('while the important and the routine lane are blocked', () => {
  test('webhooks and critical events are as fast as ever; the others wait or are rejected with 503, and none is lost', async () => {
    const heartbeatDevice = await usher.device('beats', 'beats-tv');
    const release = await blockLanes();
    let unfinished = 0;
    const waiting = Array.from({ length: SLOW_USERS }, async (_, n) => {
      unfinished += 1;
      const event = checker.nextEvent(`slow${n}`);
      const headers = { 'idempotency-key': randomUUID() };
      const statuses = await publishUntilAccepted(event, headers);
      unfinished -= 1;
      return statuses;
    });
    const heartbeats = Array.from({ length: 20 }, (_, n) =>
      heartbeatDevice.heartbeat({ showId: `show${n}` }),
    );
    const newcomers = Array.from({ length: 6 }, (_, n) => admission(`new${n}`));
    await eventually('both lanes are blocked', async () => {
      const held = await usher.database.query<{ lane: string }>(
        `SELECT DISTINCT application_name AS lane FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return (
        held
          .map(({ lane }) => lane)
          .sort()
          .join() === 'usher important,usher routine'
      );
    });
    const durations: number[] = [];
    for (let n = 0; n < URGENT; n += 1) {
      const [published, publishMs] = await measure(() =>
        checker.publish(usher.backOffice, 'urgent', 'critical'),
      );
      expect(published?.status).toBe(202);
      const event = usher.stripe.event('customer.subscription.created', {
        id: `sub_${n}`,
        userId: `payer${n}`,
        customer: `cus_${n}`,
        price: 'price_premium',
        status: 'active',
      });
      const [webhook, webhookMs] = await measure(() => usher.stripe.send(event));
      expect(webhook.status).toBe(200);
      expect(await usher.backOffice.entitlement(`payer${n}`)).toMatchObject({ planId: 'premium' });
      durations.push(publishMs, webhookMs);
    }
    expect(unfinished).toBe(SLOW_USERS);
    report(
      `critical requests beside two blocked lanes: ${Math.max(...durations)} ms at worst of ${durations.length}`,
    );
    expect(Math.max(...durations)).toBeLessThan(URGENT_MS);

    await release();
    const statuses = (await Promise.all(waiting)).flat();
    expect(statuses.filter((status) => status !== 202 && status !== 503 && status !== 409)).toEqual([]);
    for (const reply of await Promise.all(heartbeats)) expect(reply).toMatchObject({ ok: true });
    for (const one of await Promise.all(newcomers)) expect(['admitted', 'unavailable']).toContain(one);
    await checker.expectConsistent(devices, 15_000);
  }, 60_000);
});

/** Connects a device of the user. Returns `admitted`, or the code with which it is refused: that of a node whose lane stays blocked for 3 s. */
const admission = (userId: string): Promise<unknown> =>
  usher.device(userId, `${userId}-tv`).then(
    () => 'admitted',
    (error: { data?: { code?: string } }) => error.data?.code,
  );

/** Publishes the event until it is accepted. Returns the status of each attempt. */
async function publishUntilAccepted(event: TrackedEvent, headers: Record<string, string>): Promise<number[]> {
  const statuses: number[] = [];
  await eventually(`${event.userId} is published to`, async () => {
    const reply = await checker.publish(usher.backOffice, event.userId, 'important', headers, event);
    statuses.push(reply?.status ?? 0);
    return reply?.status === 202;
  });
  return statuses;
}
