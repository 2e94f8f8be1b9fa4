import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { call, type HttpReply, PREMIUM } from '../../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';
import { type FakeStripe, startFakeStripe } from '../../support/fakes/fake-stripe.js';

let stripe: FakeStripe;
let usher: TestUsher;
beforeAll(async () => {
  stripe = await startFakeStripe();
  usher = await startUsher({ ...stripe.environment, RECONCILE_SECONDS: '3600' });
  // The walk that begins with the node would report a change of the first test before the change itself is recorded.
  await eventually('the first reconciliation has ended', async () => {
    const rows = await usher.database.query('SELECT FROM reconciliation WHERE finished_at IS NOT NULL');
    return rows.length > 0;
  });
  await usher.backOffice.putPlan('basic', ['price_basic'], { ...PREMIUM, maxStreams: 1, ads: true });
  await usher.backOffice.putPlan('premium', ['price_premium']);
  await usher.backOffice.putPlan('dear', ['price_declined']);
});
afterAll(async () => {
  await usher.stop();
  await stripe.close();
});
beforeEach(() => {
  stripe.failureMode = 'none';
});

/** Subscribes the user to the plan `basic`. Returns the id of the subscription. */
async function subscribed(userId: string, more: { status?: string } = {}): Promise<string> {
  const id = `sub_${userId}`;
  const of = { id, userId, customer: `cus_${userId}`, price: 'price_basic', ...more };
  expect((await usher.stripe.send(stripe.createSubscription(of))).status).toBe(200);
  return id;
}

const requestChange = async (
  userId: string,
  body: unknown,
  headers?: Record<string, string>,
  node = usher,
): Promise<HttpReply> =>
  call(node.url, await usher.token(userId), 'POST', '/v1/me/membership/changes', body, headers);
const membership = async (userId: string) => (await usher.state(userId)).membership;
const changesOf = (id: string) => stripe.calls.filter((one) => one === `POST /v1/subscriptions/${id}`).length;

describe('a user who changes their membership', () => {
  test('can cancel, resume and change the plan: the processor does it, the response is the new membership, and every device receives it', async () => {
    const id = await subscribed('ann');
    const tv = await usher.device('ann', 'ann-tv');
    const canceled = await requestChange('ann', { action: 'cancel' });
    expect(canceled.status).toBe(202);
    expect(canceled.body).toMatchObject({
      version: 2,
      status: 'active',
      planId: 'basic',
      reason: 'user.cancel',
    });
    expect(stripe.subscription(id)).toMatchObject({ cancel_at_period_end: true });
    const end = Number(stripe.subscription(id).cancel_at) * 1_000;
    expect(canceled.body.cancelAt).toBe(new Date(end).toISOString());

    const resumed = await requestChange('ann', { action: 'resume' });
    expect(resumed.body).toMatchObject({ version: 3, status: 'active' });
    expect(resumed.body).not.toHaveProperty('cancelAt');

    const changed = await requestChange('ann', { action: 'change_plan', planId: 'premium' });
    expect(changed.body).toMatchObject({ version: 4, planId: 'premium', capabilities: { maxStreams: 4 } });

    await tv.waitFor('membership.changed', ({ data }) => data.version === 4);
    expect(tv.envelopes('membership.changed').map(({ data }) => data.version)).toEqual([2, 3, 4]);
    expect(await usher.backOffice.entitlement('ann')).toMatchObject({ version: 4, planId: 'premium' });
  });

  test('gets the same response for the same Idempotency-Key, with one change at the processor, even with a newer token', async () => {
    const id = await subscribed('ida');
    const headers = { 'idempotency-key': randomUUID() };
    const first = await requestChange('ida', { action: 'cancel' }, headers);
    const again = await call(
      usher.url,
      await usher.token('ida', { expiresIn: '2h' }),
      'POST',
      '/v1/me/membership/changes',
      { action: 'cancel' },
      headers,
    );
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(again.body).toEqual(first.body);
    expect(changesOf(id)).toBe(1);
    expectProblem(await requestChange('ida', { action: 'resume' }, headers), 422, 'idempotency_mismatch');
  });

  test('causes one change with two requests at once', async () => {
    const id = await subscribed('tom');
    const replies = await Promise.all([
      requestChange('tom', { action: 'cancel' }),
      requestChange('tom', { action: 'cancel' }),
    ]);
    expect(replies.map(({ status }) => status).sort()).toEqual([202, 409]);
    expect(changesOf(id)).toBe(1);
  });
});

describe('a change that is not allowed is rejected without a call to the processor', () => {
  test.each([
    ['resuming a membership that is not canceled', { action: 'resume' }, 409, 'illegal_change'],
    ['the current plan', { action: 'change_plan', planId: 'basic' }, 409, 'illegal_change'],
    ['an unknown plan', { action: 'change_plan', planId: 'gold' }, 422, 'unknown_plan'],
    ['a plan change without a plan', { action: 'change_plan' }, 400, 'invalid_request'],
    ['an unknown action', { action: 'refund' }, 400, 'invalid_request'],
  ] as [string, Record<string, string>, number, string][])('%s', async (_, body, status, code) => {
    const userId = `il-${code}-${String(body.planId ?? body.action)}`;
    const id = await subscribed(userId);
    expectProblem(await requestChange(userId, body), status, code);
    expect(changesOf(id)).toBe(0);
  });

  test('any change of a membership that has ended or never existed', async () => {
    const id = await subscribed('eve');
    await usher.stripe.send(stripe.endSubscription(id));
    await eventually(
      'the membership ended',
      async () => (await usher.backOffice.entitlement('eve')).status === 'canceled',
    );
    for (const action of ['cancel', 'resume']) {
      expectProblem(await requestChange('eve', { action }), 409, 'illegal_change');
      expectProblem(await requestChange('nobody-yet', { action }), 409, 'illegal_change');
    }
  });

  test('a second cancellation', async () => {
    await subscribed('sue');
    expect((await requestChange('sue', { action: 'cancel' })).status).toBe(202);
    expectProblem(await requestChange('sue', { action: 'cancel' }), 409, 'illegal_change');
  });

  test('without a user token', async () => {
    const reply = await call(usher.url, undefined, 'POST', '/v1/me/membership/changes', { action: 'cancel' });
    expectProblem(reply, 401, 'token_missing');
  });
});

describe('a change that the processor does not carry out', () => {
  test('with a declined card: the membership stays as it was', async () => {
    await subscribed('dan');
    expectProblem(
      await requestChange('dan', { action: 'change_plan', planId: 'dear' }),
      409,
      'change_refused',
    );
    expect(await membership('dan')).toMatchObject({ version: 1, planId: 'basic' });
    expect(await membership('dan')).not.toHaveProperty('pendingChange');
  });

  test('because it has no API key: the response is not_configured', async () => {
    const node = await usher.another({ STRIPE_API_KEY: '', ROLES: 'gateway,api' });
    await subscribed('noa');
    expectProblem(await requestChange('noa', { action: 'cancel' }, {}, node), 501, 'not_configured');
  });

  test('because of an error: the change is pending, visible in the state, and retried until it succeeds', async () => {
    const id = await subscribed('pia');
    stripe.failureMode = 'error';
    const reply = await requestChange('pia', { action: 'cancel' });
    expect(reply.status).toBe(202);
    expect(reply.body).toMatchObject({ version: 1, status: 'active', pendingChange: { action: 'cancel' } });
    expect(await membership('pia')).toMatchObject({ pendingChange: { action: 'cancel' } });
    expectProblem(await requestChange('pia', { action: 'cancel' }), 409, 'change_pending', true);
    stripe.failureMode = 'none';
    await eventually('it is canceled', async () => (await membership('pia')).cancelAt);
    expect(await membership('pia')).not.toHaveProperty('pendingChange');
    expect(stripe.subscription(id)).toMatchObject({ cancel_at_period_end: true });
  });

  test('for so long that Stripe may have forgotten its key: the change is given up, and not sent once more', async () => {
    const id = await subscribed('olga');
    stripe.failureMode = 'error';
    await requestChange('olga', { action: 'cancel' });
    // As if Usher had been down for a day.
    await usher.database.query(
      `UPDATE membership_change SET created_at = now() - interval '25 hours', next_attempt_at = now() + interval '1 second'
       WHERE user_id = 'olga'`,
    );
    stripe.failureMode = 'none';
    await eventually('it is given up', async () => !('pendingChange' in (await membership('olga'))));
    expect(stripe.subscription(id)).toMatchObject({ cancel_at_period_end: false });
    expect(await membership('olga')).not.toHaveProperty('cancelAt');
  });

  test('visibly, because its response was lost: the retry does not apply it twice', async () => {
    const id = await subscribed('kim');
    stripe.failureMode = 'no-response-after-applying';
    const reply = await requestChange('kim', { action: 'cancel' });
    expect(reply.body).toMatchObject({ pendingChange: { action: 'cancel' } });
    stripe.failureMode = 'none';
    await eventually('it is canceled', async () => (await membership('kim')).cancelAt);
    expect(changesOf(id)).toBe(2);
    expect([...stripe.appliedChanges.values()].filter((act) => act.id === id)).toHaveLength(1);
  });
});

describe('an operator who has a user’s subscriptions fetched again', () => {
  const refetch = async (userId: string) =>
    (await usher.backOffice.call('POST', `/v1/users/${userId}/subscriptions/refetch`)).body;
  const outcome = (userId: string, of: string) => ({
    subscriptions: [{ processor: 'stripe', subscriptionId: `sub_${userId}`, outcome: of }],
  });

  test('repairs what no webhook told, and every device hears of it', async () => {
    const id = await subscribed('ria');
    const tv = await usher.device('ria', 'ria-tv');
    expect(await refetch('ria')).toEqual(outcome('ria', 'same'));
    stripe.updateSubscription(id, { status: 'unpaid' });
    expect(await refetch('ria')).toEqual(outcome('ria', 'repaired'));
    await tv.waitFor('membership.changed', ({ data }) => data.version === 2);
    expect(await usher.backOffice.entitlement('ria')).toMatchObject({ version: 2 });
  });

  test('is told that it failed while the processor is away, and nothing of a user without a subscription', async () => {
    await subscribed('rob');
    stripe.failureMode = 'error';
    expect(await refetch('rob')).toEqual(outcome('rob', 'failed'));
    expect(await refetch('nobody')).toEqual({ subscriptions: [] });
  });
});
