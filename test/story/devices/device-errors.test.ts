import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectCleanLog, expectNoSecrets, expectProblem } from '../../support/expectations.js';

const PUSH_ADDRESS = 'a-push-address-that-only-its-provider-may-know';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

describe('a device registration is validated', () => {
  const registered = { platform: 'ios', name: 'Phone', push: { kind: 'apns', address: PUSH_ADDRESS } };

  test.each([
    ['an unknown platform', { platform: 'fridge' }],
    ['no platform', { platform: undefined }],
    ['a name that is too long', { name: 'x'.repeat(101) }],
    ['a name with a zero character', { name: 'Pho\u0000ne' }],
    ['a version with a zero character', { appVersion: '1\u00000' }],
    ['an unknown time zone', { timezone: 'Mars/Olympus' }],
    ['an abbreviated time zone, which means several', { timezone: 'IST' }],
    ['an invalid locale', { locale: 'not a locale' }],
    ['an unknown kind of push address', { push: { kind: 'pigeon', address: PUSH_ADDRESS } }],
    ['a push registration without an address', { push: { kind: 'apns' } }],
    ['a push address with a zero character', { push: { kind: 'apns', address: `${PUSH_ADDRESS}\u0000` } }],
    ['a push address that is too long', { push: { kind: 'webpush', address: PUSH_ADDRESS.repeat(100) } }],
  ])('%s', async (_, wrong) => {
    expect((await usher.callAs('ada', 'PUT', '/v1/me/devices/ada-phone', registered)).status).toBe(200);
    const reply = await usher.callAs('ada', 'PUT', '/v1/me/devices/ada-phone', { ...registered, ...wrong });
    expectProblem(reply, 400, 'invalid_request');
    expectNoSecrets({ ...usher.secrets(), 'push address': PUSH_ADDRESS }, JSON.stringify(reply.body));
    expect((await usher.callAs('ada', 'GET', '/v1/me/devices')).body.devices).toContainEqual(
      expect.objectContaining({ deviceId: 'ada-phone', platform: 'ios', name: 'Phone' }),
    );
  });

  test('another user’s device is not found and not deleted', async () => {
    const bob = await usher.token('bob');
    await call(usher.url, bob, 'PUT', '/v1/me/devices/bobs-own', { platform: 'tv' });
    expectProblem(await usher.callAs('ada', 'DELETE', '/v1/me/devices/bobs-own'), 404, 'not_found');
    expectProblem(await usher.callAs('ada', 'DELETE', '/v1/me/devices/never-there'), 404, 'not_found');
    expect((await call(usher.url, bob, 'GET', '/v1/me/devices')).body.devices).toContainEqual(
      expect.objectContaining({ deviceId: 'bobs-own' }),
    );
  });

  test('a push address is never returned, not even to its owner', async () => {
    expectNoSecrets(
      { address: PUSH_ADDRESS },
      JSON.stringify((await usher.callAs('ada', 'GET', '/v1/me/devices')).body),
    );
  });
});

test('the node still works, and its log contains no token, key, secret or push address', async () => {
  expect((await usher.callAs('ada', 'GET', '/v1/me/state')).status).toBe(200);
  expectCleanLog(usher, { 'push address': PUSH_ADDRESS });
});
