import { afterEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { eventually } from '../../support/eventually.js';
import type { PushMessage } from '../../../src/push/providers/push-message.js';
import { fcmError } from '../../support/fakes/fake-fcm.js';
import { startForgetfulFirewall } from '../../support/forgetful-firewall.js';
import { sendByFirebaseAdmin } from './firebase-admin.js';
import {
  createSender,
  expectNoSecretLogged,
  FCM,
  fcm,
  last,
  pushMessage,
  useFakeProviders,
} from './push-providers.js';

useFakeProviders();

describe('fcm', () => {
  afterEach(() => {
    fcm.tokenResponse = 'ok';
  });

  test.each(['fcm_token', 'fcm_fid'] as const)(
    'sends to a %s a message with collapse key and time to live',
    async (kind) => {
      const address = randomUUID();
      const expiresAt = new Date(Date.now() + 60_000);
      const more = { collapseId: 'membership', badge: 2, expiresAt };
      expect(await createSender(FCM).send(pushMessage({ kind, address }, more))).toEqual({ is: 'delivered' });
      const { message: received, ...of } = last(fcm.accepted);
      expect(of).toEqual({ kind, address });
      expect(received).toMatchObject({
        data: { id: 'evt_1' },
        notification: { title: 'Your plan', body: 'Basic from today' },
        android: {
          priority: 'high',
          collapse_key: 'membership',
          ttl: expect.stringMatching(/^(5\d|60)(\.\d+)?s$/),
          notification: { tag: 'membership', notification_count: 2 },
        },
      });
    },
  );

  test('wakes an app in the background with data alone', async () => {
    await createSender(FCM).send(pushMessage(FCM.address(), { show: 'background', urgency: 'normal' }));
    const { message: received } = last(fcm.accepted);
    expect(received).not.toHaveProperty('notification');
    expect(received).toMatchObject({
      android: { priority: 'normal' },
      apns: { headers: { 'apns-priority': '5' } },
    });
  });

  test('sends what firebase-admin would send', async () => {
    const expiresAt = new Date(Date.now() + 60 * 86_400_000);
    const send = async (more: Partial<PushMessage>) => {
      expect(await createSender(FCM).send(pushMessage(FCM.address(), more))).toEqual({ is: 'delivered' });
      return { ...last(fcm.accepted).message, token: 't' };
    };
    const data = { id: 'evt_1' };
    const headers = { 'apns-push-type': 'alert', 'apns-priority': '10' };
    expect(await send({ collapseId: 'c', badge: 2, expiresAt })).toEqual(
      await sendByFirebaseAdmin(fcm, {
        token: 't',
        notification: { title: 'Your plan', body: 'Basic from today' },
        data,
        android: {
          priority: 'high',
          collapseKey: 'c',
          ttl: 28 * 86_400_000,
          notification: { tag: 'c', notificationCount: 2 },
        },
        apns: {
          headers: {
            ...headers,
            'apns-collapse-id': 'c',
            'apns-expiration': String(Math.floor(expiresAt.getTime() / 1_000)),
          },
          payload: { aps: { badge: 2 } },
        },
      }),
    );
    expect(await send({ show: 'background', urgency: 'normal', expiresAt: new Date(0) })).toEqual(
      await sendByFirebaseAdmin(fcm, {
        token: 't',
        data,
        android: { priority: 'normal', ttl: 0 },
        apns: {
          headers: { 'apns-push-type': 'background', 'apns-priority': '5', 'apns-expiration': '0' },
          payload: { aps: { contentAvailable: true } },
        },
      }),
    );
  });

  test('takes a 200 that is not JSON for something on the way, and not for FCM', async () => {
    fcm.responses.next({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' });
    expect(await createSender(FCM).send(pushMessage(FCM.address()))).toMatchObject({
      is: 'retry',
      reason: 'status_200',
    });
  });

  test('finishes what is in flight after a GOAWAY, sends nothing twice, and opens a new connection', async () => {
    const sender = createSender(FCM);
    const send = () => sender.send(pushMessage(FCM.address()));
    expect(await send()).toEqual({ is: 'delivered' });
    const [requests, connections] = [fcm.requestCount, fcm.connections.total];
    fcm.responses.defaultResponse = { status: 200, body: { name: 'm' }, afterMs: 200 };
    const underWay = Array.from({ length: 50 }, send);
    await eventually('the pushes are in flight', () => fcm.requestCount === requests + 50);
    fcm.sendGoaway();
    expect((await Promise.all(underWay)).filter(({ is }) => is !== 'delivered')).toEqual([]);
    expect(fcm.requestCount).toBe(requests + 50);
    expect(await send()).toEqual({ is: 'delivered' });
    expect(fcm.connections.total).toBe(connections + 1);
  });

  test('replaces a dead connection long before TCP would notice it', async () => {
    const firewall = await startForgetfulFirewall(new URL(fcm.environment.FCM_ORIGIN ?? ''));
    const sender = createSender(
      FCM,
      { timeoutMs: 700 },
      { FCM_ORIGIN: `https://localhost:${firewall.port}` },
    );
    const send = () => sender.send(pushMessage(FCM.address()));
    await eventually('a push is delivered', async () => (await send()).is === 'delivered');
    firewall.forget();
    expect(await send()).toMatchObject({ is: 'retry', reason: 'deadline' });
    await eventually('a new connection is used', async () => (await send()).is === 'delivered');
    await sender.close();
    await firewall.close();
  });

  test('treats an address that FCM calls invalid as dead, but not because of an invalid message alone', async () => {
    const violation = {
      fieldViolations: [{ field: 'message.token', description: 'Invalid registration token' }],
    };
    fcm.responses.next({
      status: 400,
      body: { error: { code: 400, status: 'INVALID_ARGUMENT', details: [violation] } },
    });
    const sender = createSender(FCM);
    expect(await sender.send(pushMessage(FCM.address()))).toMatchObject({ is: 'unregistered' });
    fcm.responses.next(fcmError(400, 'INVALID_ARGUMENT'));
    expect(await sender.send(pushMessage(FCM.address()))).toMatchObject({ is: 'rejected' });
  });

  test('requests one access token, and a new one when it is revoked', async () => {
    const sender = createSender(FCM);
    const grants = fcm.grants;
    const send = () => sender.send(pushMessage(FCM.address()));
    const all = await Promise.all(Array.from({ length: 10 }, send));
    expect(all.every(({ is }) => is === 'delivered')).toBe(true);
    expect(fcm.grants - grants).toBe(1);
    fcm.revokeAccessToken();
    expect(await send()).toEqual({ is: 'delivered' });
    expect(fcm.grants - grants).toBe(2);
  });

  test('distinguishes a rejected service account from an unavailable token endpoint', async () => {
    fcm.tokenResponse = {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'no secret here' },
    };
    expect(await createSender(FCM).send(pushMessage(FCM.address()))).toEqual({
      is: 'misconfigured',
      reason: 'invalid_grant',
    });
    fcm.tokenResponse = { status: 503 };
    expect(await createSender(FCM).send(pushMessage(FCM.address()))).toMatchObject({
      is: 'retry',
      reason: 'token_endpoint_503',
    });
  });
});

test('no address, key or token was ever logged', expectNoSecretLogged);
