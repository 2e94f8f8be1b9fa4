import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { connectionError } from '../../support/drivers/observed-socket.js';
import { openRawDevice, openRawSocket } from '../../support/drivers/raw-socket.js';
import { subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { isWaitingForLock } from '../../support/infrastructure/locks.js';
import { metric } from '../../support/metric.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ ACK_TIMEOUT_SECONDS: '1', CONNECTS_PER_ADDRESS: '1' });
});
afterAll(() => usher.stop());

const publish = (userId: string, type: string, more: Record<string, unknown> = {}) =>
  usher.backOffice.publish([{ userId, type, tier: 'important', data: {}, ...more }]);

describe('an address from which many bad handshakes come', () => {
  const from = (address: string) => ({ headers: { 'x-forwarded-for': `192.0.2.99, ${address}` } });
  const attempt = (token: string | undefined, address: string) =>
    usher.device('sam', 'sam-tv', { ...from(address), ...(token !== undefined && { token }) }).then(
      () => 'connected',
      (error: { data?: { code: string } }) => error.data?.code,
    );

  test('is refused before its tokens are verified, and costs no other anything', async () => {
    await eventually('its valid tokens are refused too', async () => {
      await Promise.all(Array.from({ length: 20 }, () => attempt('x', '203.0.113.7')));
      return (await attempt(undefined, '203.0.113.7')) === 'rate_limited';
    });
    expect(await attempt(undefined, '203.0.113.8')).toBe('connected');
    expect(await metric(usher, 'usher_connects_refused_total', { limit: 'address' })).toBeGreaterThan(0);
  });
});

describe('a live connection', () => {
  test.concurrent(
    'is sent an unacknowledged event once more, then not again until it reconnects',
    async () => {
      const device = await usher.device('ann', 'ann-tv', { acks: false });
      await publish('ann', 'note.unread');
      await eventually('it is sent again', () => device.envelopes('note.unread').length === 2);
      const state = async () =>
        (await usher.database.query<{ state: number }>(`SELECT state FROM receipt WHERE user_id = 'ann'`))[0]
          ?.state;
      await eventually('the receipt is stored as sent', async () => (await state()) === 1);
      const [first, second] = device.envelopes('note.unread');
      expect(second).toEqual(first);
      expect(device.envelopes('note.unread')).toHaveLength(2);
    },
  );

  test.concurrent(
    'that gets events faster than it acknowledges them waits for more, and is not disconnected',
    async () => {
      const device = await openRawDevice(usher.url, await usher.token('ada'), 'ada-tv');
      const notes = Array.from({ length: 1_000 }, () => ({
        userId: 'ada',
        type: 'note.many',
        tier: 'important',
        data: {},
      }));
      const ackIds = () =>
        new Set(device.received.flatMap((packet) => /^42(\d+)\["note.many"/.exec(packet)?.[1] ?? []));
      for (let published = 1_000; published <= 3_000; published += 1_000) {
        await usher.backOffice.publish(notes);
        await eventually('they are received', () => ackIds().size === published);
      }
      await usher.backOffice.publish(notes);
      for (const ackId of ackIds()) device.send(`43${ackId}[]`);
      await eventually('the others are received', () => ackIds().size === 4_000);
      expect(device.isOpen).toBe(true);
      device.terminate();
    },
  );

  test.concurrent(
    'has the receipt `sent` of an event that was sent once more, also when it ends then',
    async () => {
      const device = await usher.device('amy', 'amy-tv', { acks: false });
      await publish('amy', 'note.unread');
      await eventually('it is sent again', () => device.envelopes('note.unread').length === 2);
      device.close();
      await eventually('the receipt is stored as sent', async () => {
        const { body } = await usher.backOffice.call('GET', '/v1/users/amy/timeline?limit=1');
        return JSON.stringify(body).includes('"sent"');
      });
    },
  );

  test.concurrent('is not sent an event once more that has expired by then', async () => {
    const device = await usher.device('abe', 'abe-tv', { acks: false });
    const expiresAt = new Date(Date.now() + 900).toISOString();
    await publish('abe', 'note.brief', { expiresAt });
    await publish('abe', 'note.unread');
    await eventually('the other one is sent again', () => device.envelopes('note.unread').length === 2);
    expect(device.envelopes('note.brief')).toMatchObject([{ offset: 1, expiresAt }]);
  });

  test.concurrent('is never sent an acknowledged event twice', async () => {
    const quiet = await usher.device('ben', 'ben-quiet', { acks: false });
    const reader = await usher.device('ben', 'ben-reader');
    await publish('ben', 'note.read');
    await eventually(
      'the other device is sent the event again',
      () => quiet.envelopes('note.read').length === 2,
    );
    expect(reader.envelopes('note.read')).toHaveLength(1);
  });

  test.concurrent('is sent a plan change once more until its device reports that it applied it', async () => {
    await usher.backOffice.putPlan('premium', ['price_premium']);
    const slow = await usher.device('zoe', 'zoe-slow');
    const quick = await usher.device('zoe', 'zoe-quick');
    await usher.stripe.sendEvent('customer.subscription.created', {
      userId: 'zoe',
      price: 'price_premium',
    });
    const { offset } = await quick.waitFor('membership.changed');
    await quick.request('receipt', { offset, state: 'applied' });
    await eventually('it is sent again', () => slow.envelopes('membership.changed').length === 2);
    await slow.request('receipt', { offset, state: 'applied' });
    expect(quick.envelopes('membership.changed')).toHaveLength(1);
    const { body } = await usher.backOffice.call('GET', '/v1/users/zoe');
    expect(body.notApplied).toEqual([]);
  });

  test.concurrent(
    'is not sent a plan change again that its device reported as applied over HTTP, on whatever node it is',
    async () => {
      const other = await usher.another();
      await usher.backOffice.putPlan('basic', ['price_basic']);
      const reporting = [await usher.device('yan', 'yan-tv'), await other.device('yan', 'yan-phone')];
      const silent = [await usher.device('yan', 'yan-slow'), await other.device('yan', 'yan-slower')];
      await usher.stripe.sendEvent('customer.subscription.created', {
        ...subscriptionIds('yan'),
        price: 'price_basic',
      });
      for (const device of reporting) {
        const { id } = await device.waitFor('membership.changed');
        const report = { deviceId: device.id, ids: [id], state: 'applied' };
        expect((await usher.callAs('yan', 'POST', '/v1/me/receipts', report)).status).toBe(204);
      }
      for (const device of silent)
        await eventually('it is sent again', () => device.envelopes('membership.changed').length === 2);
      for (const device of reporting) expect(device.envelopes('membership.changed')).toHaveLength(1);
    },
  );

  test.concurrent(
    'ends on every node when its device is removed, and not when another user’s device with the same id is',
    async () => {
      const other = await usher.another();
      const removed = await usher.device('cleo', 'cleo-tv');
      const kept = await usher.device('cleo', 'living-room-tv');
      const dan = await usher.token('dan');
      await call(other.url, dan, 'PUT', '/v1/me/devices/living-room-tv', { platform: 'ios' });
      await call(other.url, dan, 'DELETE', '/v1/me/devices/living-room-tv');
      await call(other.url, await usher.token('cleo'), 'DELETE', '/v1/me/devices/cleo-tv');
      await removed.disconnected();
      await publish('cleo', 'note.after');
      await kept.waitFor('note.after');
    },
  );

  test.concurrent(
    'is asked to reconnect elsewhere at the end of its lifetime, and closed when the node stops',
    async () => {
      const node = await usher.another({ RECYCLE_SECONDS: '1', DRAIN_SECONDS: '3' });
      const device = await node.device('eve', 'eve-tv');
      const { reason, retryAfterMs } = await device.waitFor('goaway');
      expect(reason).toBe('recycle');
      expect(Number(retryAfterMs)).toBeLessThanOrEqual(5_000);
      const late = await node.device('eve', 'eve-late');
      const stopping = node.kill('SIGTERM');
      await late.waitFor('goaway', (goaway) => goaway.reason === 'drain');
      expect((await fetch(`${node.url}/health/ready`)).status).toBe(503);
      const listener = await call(node.url, await usher.token('eve'), 'GET', '/v1/me/events');
      expect(listener).toMatchObject({ status: 503, body: { code: 'draining', retryable: true } });
      const newcomer = node.device('eve', 'eve-newcomer');
      expect(await connectionError(newcomer)).toMatchObject({ code: 'draining', retryable: true });
      // Not "io server disconnect", after which stock clients do not reconnect by themselves.
      expect(await late.disconnected()).toBe('transport close');
      await stopping;
    },
  );

  test('that hangs up while its token is checked is not taken for connected', async () => {
    const before = await metric(usher, 'usher_connections');
    const unlock = await usher.database.holdTransaction('LOCK TABLE revocation');
    const impatient = await openRawSocket(usher.url);
    const token = await usher.token('hank');
    impatient.send(`40${JSON.stringify({ token, deviceId: 'hank-tv', platform: 'tv' })}`);
    await eventually('its token is checked', () => isWaitingForLock(usher.database));
    impatient.terminate();
    await impatient.closed();
    // A handshake on another connection: by then the node has seen the end of the first one.
    (await openRawSocket(usher.url)).terminate();
    await unlock();
    const patient = await usher.device('hank', 'hank-phone');
    expect(await metric(usher, 'usher_connections')).toBe(before + 1);
    patient.close();
  });
});
