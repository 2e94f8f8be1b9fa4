import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { AppModule } from '../../../src/app.module.js';
import { MembershipService } from '../../../src/membership/membership.service.js';
import { PlansService } from '../../../src/membership/plans/plans.service.js';
import {
  type Processor,
  ProcessorBusy,
  ProcessorUnavailable,
  type ProcessorUpdate,
  type SubscriptionUpdate,
} from '../../../src/membership/processors/processor.js';
import { PROCESSORS_BY_NAME } from '../../../src/membership/processors/processors.service.js';
import { WebhookQueueStore } from '../../../src/membership/webhooks/webhook-queue.store.js';
import { WebhookStore } from '../../../src/membership/webhooks/webhook.store.js';
import { WebhookDispatchService } from '../../../src/membership/webhooks/webhook-dispatch.service.js';
import { WebhooksService } from '../../../src/membership/webhooks/webhooks.service.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { named } from '../../../src/platform/postgres/statement.js';
import { byTest } from '../../support/audit.js';
import { testConfig } from '../../support/config.js';
import { eventually } from '../../support/eventually.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

/** What the processor returns for a lookup; by default an active subscription of the user that its id names. */
type Lookup = (subscriptionId: string) => Promise<SubscriptionUpdate | undefined>;

const activeOf = (subscriptionId: string): SubscriptionUpdate => ({
  kind: 'subscription',
  subscriptionId,
  customerId: `customer-of-${subscriptionId}`,
  userId: subscriptionId.startsWith('linked') ? undefined : `user-of-${subscriptionId}`,
  status: 'active',
  priceIds: ['price'],
  effectiveAt: new Date(),
  cancelAt: null,
  ended: false,
  asOf: new Date(),
  object: {},
  follows: () => false,
});

let database: TestDatabase;
let lookup: Lookup;
let lookups: string[];
/** Two workers on one database. */
const workers: TestingModule[] = [];

/** A processor that can be asked: its webhooks only name a subscription. */
const acme = {
  api: {
    budget: { perSecond: 1_000, burst: 1_000 },
    fetch: (subscriptionId: string) => {
      lookups.push(subscriptionId);
      return lookup(subscriptionId);
    },
  },
  verify: (body: Buffer) => ({
    eventId: (JSON.parse(body.toString()) as { id: string }).id,
    type: 'changed',
    createdAt: new Date(),
    payload: body.toString(),
  }),
  read: (payload: unknown): ProcessorUpdate => ({
    kind: 'hint',
    subscriptionId: (payload as { subscriptionId: string }).subscriptionId,
  }),
} satisfies Processor;

/** A processor that cannot be asked: its webhooks contain the state. */
const plain = {
  verify: acme.verify,
  read: (payload: unknown): ProcessorUpdate => {
    const state = payload as Partial<SubscriptionUpdate>;
    if (state.subscriptionId === undefined) throw new TypeError('a fault of this processor’s mapper');
    return { ...activeOf(state.subscriptionId), ...state };
  },
} satisfies Processor;

async function createWorker(): Promise<TestingModule> {
  const config = testConfig({
    DATABASE_URL: database.url,
    REDIS_URL: process.env.REDIS_URL ?? '',
    LOG_LEVEL: 'silent',
    ROLES: 'api',
  });
  return Test.createTestingModule({ imports: [AppModule.with(config)] })
    .overrideProvider(PROCESSORS_BY_NAME)
    .useValue(
      new Map<string, Processor>([
        ['acme', acme],
        ['plain', plain],
      ]),
    )
    .compile();
}

beforeAll(async () => {
  database = await createDatabase();
  workers.push(await createWorker(), await createWorker());
  await serviceOf(0, PlansService).put(
    'plan',
    { name: 'Plan', prices: ['price'], capabilities: { streaming: true } } as never,
    byTest,
  );
}, 60_000);
afterAll(async () => {
  for (const worker of workers) await worker.close();
  await database.drop();
});
beforeEach(() => {
  lookups = [];
  lookup = (id) => Promise.resolve(activeOf(id));
});
afterEach(() => database.query('DELETE FROM webhook'));

function serviceOf<Service>(worker: number, type: Type<Service>): Service {
  const module = workers[worker];
  if (!module) throw new Error(`there is no worker ${worker}`);
  return module.get(type);
}
const webhooksOf = (worker: number) => serviceOf(worker, WebhooksService);
const applyLeftOver = (worker: number, processor = 'acme') =>
  serviceOf(worker, WebhookDispatchService).applyLeftOver(processor);
const queueOf = (worker: number) => serviceOf(worker, WebhookQueueStore);
const receive = (eventId: string, subscriptionId: string, worker = 0) =>
  webhooksOf(worker).receive('acme', Buffer.from(JSON.stringify({ id: eventId, subscriptionId })), {});
/** The column rounds to milliseconds, and `now()` up to half of one into the future. */
const DUE = `now() - interval '1 millisecond'`;
/** As if its node had died, or its pause were over. */
const makeDue = () => database.query(`UPDATE webhook SET next_attempt_at = ${DUE}`);
const insertStored = (count: number, subscriptionId: (n: number) => string) =>
  database.query(
    `INSERT INTO webhook (processor, event_id, type, status, payload, created_at, subscription_id, received_at, next_attempt_at)
     SELECT 'acme', 'event ' || n, 'changed', 'stored', json_build_object('id', 'event ' || n, 'subscriptionId', id), now(), id,
       now() - interval '1 minute', ${DUE} FROM unnest($1::text[]) WITH ORDINALITY AS s (id, n)`,
    [Array.from({ length: count }, (_, n) => subscriptionId(n))],
  );
const statusOf = async (eventId: string) => {
  const [row] = await database.query<{
    status: string;
    reason: string | null;
    attempts: number;
    pause: number;
  }>(
    `SELECT status, reason, attempts, extract(epoch FROM next_attempt_at - now())::float8 AS pause FROM webhook WHERE event_id = $1`,
    [eventId],
  );
  return row;
};
const countByStatus = async () => {
  const rows = await database.query<{ status: string; n: number }>(
    'SELECT status, count(*)::int AS n FROM webhook GROUP BY status',
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
};
const membershipStatus = async (userId: string) =>
  (await database.query<{ status: string }>('SELECT status FROM membership WHERE user_id = $1', [userId]))[0]
    ?.status;

/** Promise.withResolvers of Node 22. */
function promiseWithResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((onSuccess, onFailure) => ([resolve, reject] = [onSuccess, onFailure]));
  promise.catch(() => undefined);
  return { promise, resolve: (value: T) => resolve(value), reject: (error: Error) => reject(error) };
}

describe('webhooks that are left over', () => {
  test('are leased: two workers never have the same one', async () => {
    await insertStored(90, (n) => `s-${n}`);
    const claims = await Promise.all([0, 1, 0, 1].map((n) => queueOf(n).claim('acme', 30, 60)));
    const ids = claims.flat().map(({ eventId }) => eventId);
    expect(ids.length).toBeGreaterThanOrEqual(30);
    expect(new Set(ids).size).toBe(ids.length);
    let rest = 0;
    for (const claimed of [1, 2, 3, 4]) rest += (await queueOf(claimed % 2).claim('acme', 30, 60)).length;
    expect(ids.length + rest).toBe(90);
  });

  test('are asked for once for each subscription, however many of them there are', async () => {
    await insertStored(120, (n) => `many-${n % 2}`);
    await applyLeftOver(0);
    expect(lookups.toSorted()).toEqual(['many-0', 'many-1']);
    expect(await countByStatus()).toEqual({ applied: 2, stale: 118 });
  });

  test('are left for later behind the batch in which the processor failed', async () => {
    await insertStored(100, (n) => `behind-${n}`);
    lookup = async (id) => {
      if (lookups.length === 1) throw new ProcessorUnavailable('away');
      await setImmediate();
      return activeOf(id);
    };
    await applyLeftOver(0);
    expect(await countByStatus()).toEqual({ applied: 23, failed: 1, stored: 76 });
  });

  test('are asked for once more when they come after the lookup began', async () => {
    const { promise: held, resolve: release } = promiseWithResolvers<void>();
    lookup = async (id) => (await held, activeOf(id));
    await insertStored(1, () => 'twice');
    const first = applyLeftOver(0);
    await eventually('the lookup is on its way', () => lookups.length === 1);
    const second = receive('later', 'twice');
    await eventually('the later one is asked for too', () => lookups.length === 2);
    release();
    await Promise.all([first, second]);
    expect(lookups).toEqual(['twice', 'twice']);
    expect(['applied', 'stale']).toContain((await statusOf('later'))?.status);
  });

  test('are applied in the next run, and not when the lease ends, after PostgreSQL interrupted one', async () => {
    await insertStored(2, () => 'interrupted');
    // The lookup is the moment between the claim and the transaction.
    let release: () => Promise<void> = () => Promise.resolve();
    lookup = async (id) => {
      release = await database.holdTransaction('SELECT FROM webhook FOR UPDATE');
      return activeOf(id);
    };
    const applying = applyLeftOver(0);
    await eventually('its statement waits, and is cancelled as one that takes too long', async () => {
      const cancelled = await database.query(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM webhook%'`,
      );
      return cancelled.length > 0;
    });
    await applying;
    await release();
    lookup = (id) => Promise.resolve(activeOf(id));
    await applyLeftOver(0);
    expect(await countByStatus()).toEqual({ applied: 1, stale: 1 });
  });
});

describe('webhooks that contain the state, and are left over', () => {
  const insertPlain = (eventId: string, ageSeconds: number, state: Partial<SubscriptionUpdate>) =>
    database.query(
      `INSERT INTO webhook (processor, event_id, type, status, payload, created_at, next_attempt_at)
       VALUES ('plain', $1, 'changed', 'stored', $2, now() - $3 * interval '1 second', now() - interval '1 hour' + $3 * interval '1 second')`,
      [eventId, JSON.stringify(state), ageSeconds],
    );

  /** Webhooks of one user, each of a subscription that replaces the one before; the later ones are due first. */
  const insertChanges = async (count: number) => {
    for (let n = count; n > 0; n -= 1)
      await insertPlain(`change ${n}`, 100 - n, {
        customerId: 'moving',
        userId: 'moving-user',
        subscriptionId: `moving-${n}`,
        replaces: `moving-${n - 1}`,
      });
  };
  const runningOnes = () =>
    database.query(
      `SELECT subscription_id AS id FROM subscription WHERE user_id = 'moving-user' AND NOT ended`,
    );

  test('are applied in their order for one customer, though the later ones are due first', async () => {
    await insertChanges(20);
    await applyLeftOver(0, 'plain');
    expect(await countByStatus()).toEqual({ applied: 20 });
    expect(await runningOnes()).toEqual([{ id: 'moving-20' }]);
  });

  test('do not bring back a subscription that another one replaced, in whatever order they are applied', async () => {
    await insertChanges(60);
    await applyLeftOver(0, 'plain');
    expect(Object.keys(await countByStatus()).sort()).toEqual(['applied', 'stale']);
    expect(await runningOnes()).toEqual([{ id: 'moving-60' }]);
  });

  test('leave a subscription of another user alone, whoever says that it is replaced', async () => {
    await insertPlain('of the victim', 9, {
      subscriptionId: 'theirs',
      customerId: 'victim',
      userId: 'victim',
    });
    await applyLeftOver(0, 'plain');
    for (const [n, replaces] of ['theirs', 'unknown'].entries())
      await insertPlain(`of the other ${n}`, n, {
        ...{ subscriptionId: `mine-${n}`, customerId: 'other', userId: 'other' },
        replaces,
      });
    await applyLeftOver(0, 'plain');
    expect(await countByStatus()).toEqual({ applied: 3 });
    const owners = await database.query(
      `SELECT subscription_id AS id, user_id AS "userId", ended FROM subscription WHERE subscription_id IN ('theirs', 'unknown') ORDER BY 1`,
    );
    expect(owners).toEqual([
      { id: 'theirs', userId: 'victim', ended: false },
      { id: 'unknown', userId: 'other', ended: true },
    ]);
  });

  test('that waited for a subscription are settled when all that is known of it is that another replaced it', async () => {
    await insertPlain('unpaid', 9, {
      kind: 'payment_failure',
      subscriptionId: 'old',
      userId: 'payer',
    } as never);
    await database.query(
      `INSERT INTO processor_link (processor, customer_id, user_id) VALUES ('plain', 'customer-of-old', 'payer') ON CONFLICT DO NOTHING`,
    );
    await applyLeftOver(0, 'plain');
    expect(await statusOf('unpaid')).toMatchObject({ status: 'waiting' });
    await insertPlain('new', 1, { subscriptionId: 'new', userId: 'payer', replaces: 'old' });
    await applyLeftOver(0, 'plain');
    await eventually('it is settled', async () => (await statusOf('unpaid'))?.status === 'stale');
  });

  test('fail alone when they cannot be read', async () => {
    await insertPlain('faulty', 90, {});
    for (const n of [1, 2]) await insertPlain(`sound ${n}`, n, { subscriptionId: `sound-${n}` });
    await applyLeftOver(0, 'plain');
    expect(await countByStatus()).toEqual({ applied: 2, failed: 1 });
    expect(await statusOf('faulty')).toMatchObject({ reason: 'TypeError', attempts: 1 });
  });

  test('do not wait for another customer’s', async () => {
    await insertPlain('of the held one', 90, { subscriptionId: 'held' });
    for (const n of [1, 2, 3, 4, 5]) await insertPlain(`other ${n}`, n, { subscriptionId: `other-${n}` });
    const { promise: held, resolve: release } = promiseWithResolvers<void>();
    const { promise: locked, resolve: confirm } = promiseWithResolvers<void>();
    const holding = serviceOf(1, Database).transaction('important', async (tx) => {
      await serviceOf(1, MembershipService).lock(tx, 'user-of-held');
      confirm();
      await held;
    });
    await locked;
    const applying = applyLeftOver(0, 'plain');
    await eventually('the others are applied', async () => (await countByStatus()).applied === 5);
    expect(await statusOf('of the held one')).toMatchObject({ status: 'stored' });
    release();
    await Promise.all([holding, applying]);
    expect(await countByStatus()).toEqual({ applied: 6 });
  });
});

describe('a webhook whose processor is away', () => {
  beforeEach(() => {
    lookup = () => Promise.reject(new ProcessorUnavailable('away'));
  });

  test('is tried again without end, every five minutes in the end, and granted when it is back', async () => {
    await receive('first', 'patient');
    for (const attempts of [1, 19, 20, 100, 5_000, 2_000_000]) {
      await database.query(`UPDATE webhook SET attempts = $1, next_attempt_at = ${DUE}`, [attempts]);
      await applyLeftOver(0);
      const webhook = await statusOf('first');
      expect(webhook).toMatchObject({
        status: 'failed',
        reason: 'processor_unavailable',
        attempts: attempts + 1,
      });
      expect(webhook?.pause).toBeLessThanOrEqual(375);
    }
    lookup = (id) => Promise.resolve(activeOf(id));
    await makeDue();
    await applyLeftOver(1);
    expect(await membershipStatus('user-of-patient')).toBe('active');
  });

  test('is not overwritten by an attempt that fails after another one succeeded', async () => {
    const { promise: slow, reject: fail } = promiseWithResolvers<never>();
    lookup = (id) => (lookups.length === 1 ? slow : Promise.resolve(activeOf(id)));
    const late = receive('raced', 'raced', 0);
    await eventually('the first worker asks', () => lookups.length === 1);
    await makeDue();
    await applyLeftOver(1);
    expect(await statusOf('raced')).toMatchObject({ status: 'applied', attempts: 1 });
    fail(new ProcessorUnavailable('timeout'));
    await late;
    expect(await statusOf('raced')).toMatchObject({ status: 'applied', attempts: 1 });
  });

  test('does not count an attempt while only our own budget is used up', async () => {
    lookup = () => Promise.reject(new ProcessorBusy('used up'));
    await receive('limited', 'limited');
    expect(await statusOf('limited')).toMatchObject({
      status: 'stored',
      reason: 'rate_limited',
      attempts: 0,
    });
  });

  test('shows how long it has been failing', async () => {
    await receive('old', 'old');
    await database.query(`UPDATE webhook SET received_at = now() - interval '2 hours'`);
    const failing = await serviceOf(0, WebhookStore).failingSeconds(['acme', 'another']);
    expect([...failing.keys()]).toEqual(['acme']);
    expect(failing.get('acme')).toBeGreaterThanOrEqual(7_200);
  });
});

test('a webhook whose subscription the processor does not know is ignored in the end, after hours', async () => {
  lookup = () => Promise.resolve(undefined);
  await receive('foreign', 'foreign');
  expect(await statusOf('foreign')).toMatchObject({
    status: 'failed',
    reason: 'unknown_at_processor',
    attempts: 1,
  });
  await database.query(`UPDATE webhook SET attempts = 19, next_attempt_at = ${DUE}`);
  await applyLeftOver(0);
  expect(await statusOf('foreign')).toMatchObject({ status: 'ignored', reason: 'unknown_at_processor' });
});

describe('a webhook that waits for a link', () => {
  const insertLink = named(
    'test-link',
    `INSERT INTO processor_link (processor, customer_id, user_id) VALUES ('acme', $1, $2)`,
  );

  test('is applied even if the link is created in the moment in which it begins to wait', async () => {
    const ours = serviceOf(1, Database);
    const { promise: held, resolve: release } = promiseWithResolvers<void>();
    let woken: number | undefined;
    const linking = ours.transaction('important', async (tx) => {
      await tx.run(insertLink, ['customer-of-linked-1', 'linked-user']);
      woken = (await queueOf(1).wake(tx, ['customer:acme:customer-of-linked-1'])).length;
      await held;
    });
    await eventually('nothing waits yet for the link, which is not committed', () => woken === 0);
    const received = receive('linked', 'linked-1');
    await eventually('the webhook looks again, with a lock', async () => {
      const [row] = await database.query(
        `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      return row !== undefined;
    });
    release();
    await Promise.all([linking, received]);
    expect(await statusOf('linked')).toMatchObject({ status: 'applied' });
    expect(await membershipStatus('linked-user')).toBe('active');
  });

  test('is woken later when more wait for it than are applied at once', async () => {
    await insertStored(1_203, (n) => `linked-${n}`);
    await database.query(`UPDATE webhook SET status = 'waiting', waiting_for = '{customer:acme:all}'`);
    const woken = await serviceOf(0, Database).transaction('important', (tx) =>
      queueOf(0).wake(tx, ['customer:acme:all']),
    );
    expect(woken).toHaveLength(500);
    expect(await countByStatus()).toEqual({ stored: 500, waiting: 703 });
    let runs = 0;
    expect(await queueOf(1).hasWakeups()).toBe(true);
    while (await queueOf(1).wakeMore()) runs += 1;
    expect(await queueOf(1).hasWakeups()).toBe(false);
    expect([runs, await countByStatus()]).toEqual([2, { stored: 1_203 }]);
  });
});
