import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ProcessorBusy, ProcessorUnavailable } from '../../../src/membership/processors/processor.js';
import { WebhookStore } from '../../../src/membership/webhooks/webhook.store.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { named } from '../../../src/platform/postgres/statement.js';
import { eventually } from '../../support/eventually.js';
import { promiseWithResolvers } from '../../support/promise-with-resolvers.js';
import {
  acmeApi,
  activeOf,
  applyLeftOver,
  countByStatus,
  database,
  DUE,
  insertStored,
  makeDue,
  membershipStatus,
  queueOf,
  receive,
  serviceOf,
  statusOf,
  useWebhookWorkers,
} from '../../support/in-process/webhook-workers.js';

useWebhookWorkers();

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
    expect(acmeApi.lookups.toSorted()).toEqual(['many-0', 'many-1']);
    expect(await countByStatus()).toEqual({ applied: 2, stale: 118 });
  });

  test('are left for later behind the batch in which the processor failed', async () => {
    await insertStored(100, (n) => `behind-${n}`);
    acmeApi.lookup = async (id) => {
      if (acmeApi.lookups.length === 1) throw new ProcessorUnavailable('away');
      await setImmediate();
      return activeOf(id);
    };
    await applyLeftOver(0);
    expect(await countByStatus()).toEqual({ applied: 23, failed: 1, stored: 76 });
  });

  test('are asked for once more when they come after the lookup began', async () => {
    const { promise: held, resolve: release } = promiseWithResolvers<void>();
    acmeApi.lookup = async (id) => (await held, activeOf(id));
    await insertStored(1, () => 'twice');
    const first = applyLeftOver(0);
    await eventually('the lookup is on its way', () => acmeApi.lookups.length === 1);
    const second = receive('later', 'twice');
    await eventually('the later one is asked for too', () => acmeApi.lookups.length === 2);
    release();
    await Promise.all([first, second]);
    expect(acmeApi.lookups).toEqual(['twice', 'twice']);
    expect(['applied', 'stale']).toContain((await statusOf('later'))?.status);
  });

  test('are applied in the next run, and not when the lease ends, after PostgreSQL interrupted one', async () => {
    await insertStored(2, () => 'interrupted');
    // The lookup is the moment between the claim and the transaction.
    let release: () => Promise<void> = () => Promise.resolve();
    acmeApi.lookup = async (id) => {
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
    acmeApi.lookup = (id) => Promise.resolve(activeOf(id));
    await applyLeftOver(0);
    expect(await countByStatus()).toEqual({ applied: 1, stale: 1 });
  });
});

describe('a webhook whose processor is away', () => {
  beforeEach(() => {
    acmeApi.lookup = () => Promise.reject(new ProcessorUnavailable('away'));
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
    acmeApi.lookup = (id) => Promise.resolve(activeOf(id));
    await makeDue();
    await applyLeftOver(1);
    expect(await membershipStatus('user-of-patient')).toBe('active');
  });

  test('is not overwritten by an attempt that fails after another one succeeded', async () => {
    const { promise: slow, reject: fail } = promiseWithResolvers<never>();
    acmeApi.lookup = (id) => (acmeApi.lookups.length === 1 ? slow : Promise.resolve(activeOf(id)));
    const late = receive('raced', 'raced', 0);
    await eventually('the first worker asks', () => acmeApi.lookups.length === 1);
    await makeDue();
    await applyLeftOver(1);
    expect(await statusOf('raced')).toMatchObject({ status: 'applied', attempts: 1 });
    fail(new ProcessorUnavailable('timeout'));
    await late;
    expect(await statusOf('raced')).toMatchObject({ status: 'applied', attempts: 1 });
  });

  test('does not count an attempt while only our own budget is used up', async () => {
    acmeApi.lookup = () => Promise.reject(new ProcessorBusy('used up'));
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
  acmeApi.lookup = () => Promise.resolve(undefined);
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
