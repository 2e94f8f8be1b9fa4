import { describe, expect, test } from '@jest/globals';
import type { SubscriptionUpdate } from '../../../src/membership/processors/processor.js';
import { MembershipService } from '../../../src/membership/membership.service.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { eventually } from '../../support/eventually.js';
import { promiseWithResolvers } from '../../support/promise-with-resolvers.js';
import {
  applyLeftOver,
  countByStatus,
  database,
  serviceOf,
  statusOf,
  useWebhookWorkers,
} from '../../support/in-process/webhook-workers.js';

useWebhookWorkers();

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
