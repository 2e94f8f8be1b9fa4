import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { eventually } from '../support/eventually.js';
import { ConsistencyChecker, type TrackedEvent } from '../support/consistency-checker.js';
import { type FaultProxy, faultProxy } from '../support/infrastructure/fault-proxy.js';
import { report } from '../support/report.js';
import { ReconnectingDevice } from '../support/drivers/reconnecting-device.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

/**
 * RELIABILITY: F7. Every connection of the important and the routine lane is held up by locks that the test takes; then
 * what is critical must not notice. The promise is about lanes, so nothing is scaled but the crowd that waits.
 */
const SLOW_USERS = 30;
const URGENT = 20;
/** A critical answer while the other lanes stand still, on two busy cores. */
const URGENT_MS = 1_000;

let usher: TestUsher;
let wire: FaultProxy;
let devices: ReconnectingDevice[];
const checker = new ConsistencyChecker();

beforeAll(async () => {
  const first = await startUsher({ LOG_LEVEL: 'warn', ROLES: 'worker' });
  const real = new URL(first.database.url);
  wire = await faultProxy({ host: real.hostname, port: Number(real.port) });
  const proxied = new URL(real);
  proxied.port = String(wire.port);
  usher = await first.another({ ROLES: 'gateway,api', DATABASE_URL: proxied.href });
  stopAll = async () => {
    await first.stop();
    await wire.close();
  };
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
 * Holds what the lanes' statements write, until released. What they only read stays free: the critical lane of a worker reads the
 * devices too.
 */
async function hold(): Promise<() => Promise<void>> {
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

const timed = async <T>(act: () => Promise<T>): Promise<readonly [T, number]> => {
  const start = Date.now();
  return [await act(), Date.now() - start];
};

describe('while the important and the routine lane are blocked', () => {
  test('webhooks and critical events are as fast as ever; the others wait or are rejected with 503, and none is lost', async () => {
    const beating = await usher.device('beats', 'beats-tv');
    const release = await hold();
    let unfinished = 0;
    const waiting = Array.from({ length: SLOW_USERS }, async (_, n) => {
      unfinished += 1;
      const note = checker.nextEvent(`slow${n}`);
      const headers = { 'idempotency-key': randomUUID() };
      const statuses = await insist(note, headers);
      unfinished -= 1;
      return statuses;
    });
    const beats = Array.from({ length: 20 }, (_, n) => beating.heartbeat({ showId: `show${n}` }));
    const newcomers = Array.from({ length: 6 }, (_, n) => usher.device(`new${n}`, `new${n}-tv`));
    await eventually('both lanes wait', async () => {
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
    const took: number[] = [];
    for (let n = 0; n < URGENT; n += 1) {
      const [published, publishMs] = await timed(() =>
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
      const [webhook, webhookMs] = await timed(() => usher.stripe.send(event));
      expect(webhook.status).toBe(200);
      expect(await usher.backOffice.entitlement(`payer${n}`)).toMatchObject({ planId: 'premium' });
      took.push(publishMs, webhookMs);
    }
    expect(unfinished).toBe(SLOW_USERS);
    report(`critical beside two lanes at a standstill: ${Math.max(...took)} ms at worst of ${took.length}`);
    expect(Math.max(...took)).toBeLessThan(URGENT_MS);

    await release();
    const statuses = (await Promise.all(waiting)).flat();
    expect(statuses.filter((status) => status !== 202 && status !== 503 && status !== 409)).toEqual([]);
    for (const answer of await Promise.all(beats)) expect(answer).toMatchObject({ ok: true });
    await Promise.all(newcomers);
    await checker.expectConsistent(devices, 15_000);
  }, 60_000);
});

/** Publishes until it is taken; answers the statuses on the way. */
async function insist(note: TrackedEvent, headers: Record<string, string>): Promise<number[]> {
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 60 && statuses.at(-1) !== 202; attempt += 1) {
    const reply = await checker.publish(usher.backOffice, note.userId, 'important', headers, note);
    statuses.push(reply?.status ?? 0);
    if (reply?.status !== 202) await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return statuses;
}

describe('while PostgreSQL cannot be reached', () => {
  test('a device that requests its history is disconnected in a way after which stock clients reconnect by themselves', async () => {
    const device = await usher.device('asks', 'asks-tv');
    wire.set('cut');
    const answer = await device.request('sync', { epoch: 'any', offset: 0 }).catch(() => ({ ok: false }));
    expect(answer.ok).toBe(false);
    const reason = await device.disconnected();
    wire.set('open');
    expect(['transport close', 'transport error']).toContain(reason);
  }, 30_000);
});
