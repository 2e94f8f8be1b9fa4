import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  FCM,
  fcm,
  resilient,
  lastOf,
  message,
  noSecretWasLogged,
  withPretendVendors,
} from '../support/push-vendors.js';
import { fcmError } from '../support/pretend-fcm.js';

withPretendVendors();

describe('fcm', () => {
  afterEach(() => {
    fcm.granting = 'ok';
  });

  test.each(['fcm_token', 'fcm_fid'] as const)(
    'sends to a %s what Android replaces and forgets',
    async (kind) => {
      const address = randomUUID();
      const expiresAt = new Date(Date.now() + 60_000);
      const more = { collapseId: 'membership', badge: 2, expiresAt };
      expect(await resilient(FCM).send(message({ kind, address }, more))).toEqual({ is: 'delivered' });
      const { message: got, ...of } = lastOf(fcm.got);
      expect(of).toEqual({ kind, address });
      expect(got).toMatchObject({
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
    await resilient(FCM).send(message(FCM.address(), { show: 'background', urgency: 'normal' }));
    const { message: got } = lastOf(fcm.got);
    expect(got).not.toHaveProperty('notification');
    expect(got).toMatchObject({
      android: { priority: 'normal' },
      apns: { headers: { 'apns-priority': '5' } },
    });
  });

  test('an address that FCM itself calls wrong is dead; an invalid message alone kills none', async () => {
    const violation = {
      fieldViolations: [{ field: 'message.token', description: 'Invalid registration token' }],
    };
    fcm.script.next({
      status: 400,
      body: { error: { code: 400, status: 'INVALID_ARGUMENT', details: [violation] } },
    });
    const vendor = resilient(FCM);
    expect(await vendor.send(message(FCM.address()))).toMatchObject({ is: 'unregistered' });
    fcm.script.next(fcmError(400, 'INVALID_ARGUMENT'));
    expect(await vendor.send(message(FCM.address()))).toMatchObject({ is: 'rejected' });
  });

  test('asks once for an access token, and anew when it is worth nothing any more', async () => {
    const vendor = resilient(FCM);
    const grants = fcm.grants;
    const send = () => vendor.send(message(FCM.address()));
    const all = await Promise.all(Array.from({ length: 10 }, send));
    expect(all.every(({ is }) => is === 'delivered')).toBe(true);
    expect(fcm.grants - grants).toBe(1);
    fcm.revoke();
    expect(await send()).toEqual({ is: 'delivered' });
    expect(fcm.grants - grants).toBe(2);
  });

  test('tells a service account that Google refuses from a token endpoint that is away', async () => {
    fcm.granting = { status: 400, body: { error: 'invalid_grant', error_description: 'no secret here' } };
    expect(await resilient(FCM).send(message(FCM.address()))).toEqual({
      is: 'misconfigured',
      reason: 'invalid_grant',
    });
    fcm.granting = { status: 503 };
    expect(await resilient(FCM).send(message(FCM.address()))).toMatchObject({
      is: 'retry',
      reason: 'token_endpoint_503',
    });
  });
});

test('no address, key or token was ever logged', noSecretWasLogged);
