import { afterEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { fcmError } from '../../support/fakes/fake-fcm.js';
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
          ttl: expect.stringMatching(/^(59|60)(\.\d+)?s$/),
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
