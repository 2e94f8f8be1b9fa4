import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call, PREMIUM, type HttpReply } from '../../support/drivers/back-office.js';
import { ADMIN_KEY, JWT_SECRET, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectNoSecrets, expectProblem } from '../../support/expectations.js';

const PUSH_ADDRESS = 'a-push-address-that-only-its-vendor-may-know';
const used: Record<string, string> = { ADMIN_KEY, JWT_SECRET, 'push address': PUSH_ADDRESS };

let usher: TestUsher;
let adaToken: string;
beforeAll(async () => {
  usher = await startUsher({ CORS_ORIGINS: 'https://app.example.com' });
  adaToken = await usher.token('ada');
  used['token of ada'] = adaToken;
});
afterAll(() => usher.stop());

const asAda = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<HttpReply> => call(usher.url, adaToken, method, path, body, headers);

describe('a device registration is validated', () => {
  const registered = { platform: 'ios', name: 'Phone', push: { kind: 'apns', address: PUSH_ADDRESS } };

  test.each([
    ['an unknown platform', { platform: 'fridge' }],
    ['no platform', { platform: undefined }],
    ['a name that is too long', { name: 'x'.repeat(101) }],
    ['a name with a zero character', { name: 'Pho\u0000ne' }],
    ['a version with a zero character', { appVersion: '1\u00000' }],
    ['an unknown time zone', { timezone: 'Mars/Olympus' }],
    ['an invalid locale', { locale: 'not a locale' }],
    ['an unknown kind of push address', { push: { kind: 'pigeon', address: PUSH_ADDRESS } }],
    ['a push registration without an address', { push: { kind: 'apns' } }],
    ['a push address with a zero character', { push: { kind: 'apns', address: `${PUSH_ADDRESS}\u0000` } }],
    ['a push address that is too long', { push: { kind: 'webpush', address: PUSH_ADDRESS.repeat(100) } }],
  ])('%s', async (_, wrong) => {
    expect((await asAda('PUT', '/v1/me/devices/ada-phone', registered)).status).toBe(200);
    const reply = await asAda('PUT', '/v1/me/devices/ada-phone', { ...registered, ...wrong });
    expectProblem(reply, 400, 'invalid_request');
    expectNoSecrets(used, JSON.stringify(reply.body));
    expect((await asAda('GET', '/v1/me/devices')).body.devices).toContainEqual(
      expect.objectContaining({ deviceId: 'ada-phone', platform: 'ios', name: 'Phone' }),
    );
  });

  test('another user’s device is not found and not deleted', async () => {
    const bob = await usher.token('bob');
    await call(usher.url, bob, 'PUT', '/v1/me/devices/bobs-own', { platform: 'tv' });
    expectProblem(await asAda('DELETE', '/v1/me/devices/bobs-own'), 404, 'not_found');
    expectProblem(await asAda('DELETE', '/v1/me/devices/never-there'), 404, 'not_found');
    expect((await call(usher.url, bob, 'GET', '/v1/me/devices')).body.devices).toContainEqual(
      expect.objectContaining({ deviceId: 'bobs-own' }),
    );
  });

  test('a push address is never returned, not even to its owner', async () => {
    expectNoSecrets({ address: PUSH_ADDRESS }, JSON.stringify((await asAda('GET', '/v1/me/devices')).body));
  });
});

describe('reading entries from an invalid position', () => {
  test.each([
    'after=-1',
    'after=1.5',
    'after=NaN',
    'after=1e400',
    'after=0x',
    'limit=0',
    'limit=501',
    'limit=all',
  ])('%s', async (query) => {
    expectProblem(await asAda('GET', `/v1/me/entries?${query}`), 400, 'invalid_request');
  });

  test.each(['epoch=of-another-numbering&after=0', 'after=9007199254740991', 'epoch=%00'])(
    'with %s returns position_lost',
    async (query) => {
      expectProblem(await asAda('GET', `/v1/me/entries?${query}`), 410, 'position_lost');
    },
  );
});

describe('an invalid plan is rejected', () => {
  test.each([
    ['no capabilities', { capabilities: undefined }],
    ['negative streams', { capabilities: { ...PREMIUM, maxStreams: -1 } }],
    ['half a stream', { capabilities: { ...PREMIUM, maxStreams: 1.5 } }],
    ['streaming that is not a boolean', { capabilities: { ...PREMIUM, streaming: 'yes' } }],
    ['no name', { name: '' }],
    ['a name with a zero character', { name: 'ba\u0000sic' }],
    ['prices that are not a list', { prices: 'price_1' }],
    ['a price with a zero character', { prices: ['price\u0000'] }],
  ])('%s', async (_, wrong) => {
    const body = { name: 'basic', prices: ['price_of_a_wrong_plan'], capabilities: PREMIUM, ...wrong };
    expectProblem(await usher.backOffice.call('PUT', '/v1/plans/wrong', body), 400, 'invalid_request');
  });

  test('a price that belongs to another plan', async () => {
    expect((await usher.backOffice.putPlan('first', ['price_of_first'])).status).toBe(200);
    expectProblem(
      await usher.backOffice.putPlan('second', ['price_of_second', 'price_of_first']),
      409,
      'price_taken',
    );
  });

  test('a customer id with a zero character', async () => {
    expectProblem(
      await usher.backOffice.call('PUT', '/v1/users/ada/links/stripe', { customerId: 'cus\u0000' }),
      400,
      'invalid_request',
    );
  });
});

test('the node still works, and its log contains no token, key, secret or push address', async () => {
  expect((await asAda('GET', '/v1/me/state')).status).toBe(200);
  expect(usher.log().length).toBeGreaterThan(0);
  expectNoSecrets(used, usher.log());
});

/** The headers promise the whole body; half of it is sent, then the connection is cut. */
