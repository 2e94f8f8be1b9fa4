import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { throwAwayFolder } from '../../../tools/places.mjs';
import { type EmbeddedPostgres, startPostgres } from '../../../tools/databases/postgres.mjs';
import { ConsistencyChecker } from '../../support/consistency-checker.js';
import { ReconnectingDevice } from '../../support/drivers/reconnecting-device.js';
import { nowSeconds, type StripeEvent } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { migratedDatabase, type TestDatabase } from '../../support/infrastructure/database.js';
import { freePort } from '../../support/infrastructure/ports.js';
import { elapsed, report } from '../../support/report.js';

/** Two nodes on a PostgreSQL server of this file's own, with few enough users for two cores. */
const USERS = 20;
const CRASHES = 2;
const PLANS = ['basic', 'premium'];

let dataDir: string;
let port: number;
let postgres: EmbeddedPostgres;
let database: TestDatabase;
let nodes: TestUsher[];
let devices: ReconnectingDevice[];
const checker = new ConsistencyChecker();

beforeAll(async () => {
  dataDir = join(throwAwayFolder('test'), 'postgres');
  port = await freePort();
  postgres = await startPostgres({ dataDir, port, durable: false });
  database = await migratedDatabase(postgres.url);
  const first = await startUsher({ LOG_LEVEL: 'warn' }, database);
  nodes = [first, await first.another()];
  for (const plan of PLANS) await first.backOffice.putPlan(plan, [`price_${plan}`]);
  const urls = nodes.map((node) => node.url);
  devices = Array.from({ length: USERS }, (_, n) => [
    new ReconnectingDevice(`u${n}`, `u${n}-tv`, urls),
    new ReconnectingDevice(`u${n}`, `u${n}-phone`, [...urls].reverse()),
  ]).flat();
  await Promise.all(devices.map((device) => device.start()));
}, 60_000);

afterAll(async () => {
  for (const device of devices) device.close();
  await nodes[0]?.stop();
  await postgres.stop();
});

/** Stops PostgreSQL like `pg_ctl stop -m immediate` and starts it on the same port. Returns when it was up again. */
async function crash(downMs: number): Promise<number> {
  process.kill(postgres.pid, 'SIGQUIT');
  await postgres.exited;
  await new Promise((resolve) => setTimeout(resolve, downMs));
  postgres = await startPostgres({ dataDir, port, durable: false });
  return Date.now();
}

const nodeFor = (n: number): TestUsher => nodes[n % nodes.length] as TestUsher;

/** Changes one user's plan again and again; every third webhook is delivered twice. Returns the delivered webhooks. */
async function changePlans(n: number, isGoing: () => boolean): Promise<StripeEvent[]> {
  const delivered: StripeEvent[] = [];
  for (let turn = 0; isGoing() || turn < 4; turn += 1) {
    const { stripe } = nodeFor(n + turn);
    const event = stripe.event(
      turn === 0 ? 'customer.subscription.created' : 'customer.subscription.updated',
      {
        id: `sub_${n}`,
        userId: `u${n}`,
        customer: `cus_${n}`,
        price: `price_${PLANS[turn % 2]}`,
        status: 'active',
        created: nowSeconds() - 2_000 + turn,
      },
    );
    await stripe.deliverWithRetries(event);
    if (turn % 3 === 0) await nodeFor(n + turn + 1).stripe.deliverWithRetries(event);
    delivered.push(event);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return delivered;
}

async function publishEvents(n: number, isGoing: () => boolean): Promise<void> {
  while (isGoing()) {
    await checker.publish(nodeFor(n).backOffice, `u${n}`, n % 2 === 0 ? 'critical' : 'important');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('PostgreSQL crashes and restarts while webhooks and events come in', () => {
  let webhooksPerUser: StripeEvent[][];

  beforeAll(async () => {
    let going = true;
    const isGoing = () => going;
    const users = Array.from({ length: USERS }, (_, n) => n);
    const webhooks = Promise.all(users.map((n) => changePlans(n, isGoing)));
    const notes = Promise.all(users.map((n) => publishEvents(n, isGoing)));
    try {
      for (let n = 0; n < CRASHES; n += 1) {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        const up = await crash(700);
        const { status } = await eventually('a critical event is accepted again', async () => {
          const reply = await checker.publish(nodeFor(0).backOffice, 'first-after', 'critical');
          return reply?.status === 202 && reply;
        });
        report(`PostgreSQL crashed: ${status} after ${elapsed(up)}`);
      }
    } finally {
      going = false;
    }
    webhooksPerUser = await webhooks;
    await notes;
  }, 60_000);

  test('no node dies', () => {
    for (const node of nodes) expect(node.exited).toBeUndefined();
  });

  test('every acknowledged webhook is stored once and settled', async () => {
    const ids = webhooksPerUser.flat().map(({ id }) => id);
    const settled = async () => {
      const stored = await database.query<{ id: string; status: string }>(
        `SELECT event_id AS id, status FROM webhook WHERE event_id = ANY ($1)`,
        [ids],
      );
      expect(stored).toHaveLength(ids.length);
      return stored.every(({ status }) => status === 'applied' || status === 'stale');
    };
    await eventually('every webhook is applied', settled, 20_000);
    report(`${ids.length} webhooks and ${checker.expectedCount} events over ${CRASHES} crashes`);
  }, 30_000);

  test('each user has the plan of the last webhook, and no webhook was applied twice', async () => {
    for (const [n, events] of webhooksPerUser.entries()) {
      expect(await nodes[0]?.backOffice.entitlement(`u${n}`)).toMatchObject({
        planId: PLANS[(events.length - 1) % 2],
        status: 'active',
      });
    }
    const repeated = await database.query(
      `SELECT user_id, webhook_id FROM membership_history GROUP BY 1, 2 HAVING count(*) > 1`,
    );
    expect(repeated).toEqual([]);
  });

  test('each device received the newest version, and every version in order and once', async () => {
    const versions = new Map(
      (
        await database.query<{ userId: string; version: string }>(
          'SELECT user_id AS "userId", version FROM membership',
        )
      ).map(({ userId, version }) => [userId, Number(version)]),
    );
    const receivedVersions = (device: ReconnectingDevice) =>
      device.eventLog.applied
        .filter(({ type }) => type === 'membership.changed')
        .map(({ data }) => data.version as number);
    for (const device of devices) {
      await eventually(
        `${device.deviceId} knows its plan`,
        () => receivedVersions(device).at(-1) === versions.get(device.userId),
      );
      expect(receivedVersions(device)).toEqual([...new Set(receivedVersions(device))].sort((a, b) => a - b));
    }
  }, 30_000);

  test('no event is lost, duplicated, out of order or another user’s', async () => {
    await checker.expectConsistent(devices, 20_000);
  }, 30_000);

  test('no device was disconnected in a way after which stock clients do not reconnect', () => {
    expect(devices.flatMap(({ disconnectReasons }) => disconnectReasons)).not.toContain(
      'io server disconnect',
    );
  });
});
