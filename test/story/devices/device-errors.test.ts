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

describe('what a device says of itself is checked', () => {
  const registered = { platform: 'ios', name: 'Phone', push: { kind: 'apns', address: PUSH_ADDRESS } };

  test.each([
    ['an unknown platform', { platform: 'fridge' }],
    ['no platform', { platform: undefined }],
    ['a name that is too long', { name: 'x'.repeat(101) }],
    ['a name with a zero character', { name: 'Pho\u0000ne' }],
    ['a version with a zero character', { appVersion: '1\u00000' }],
    ['a time zone that is not there', { timezone: 'Mars/Olympus' }],
    ['a locale that is none', { locale: 'not a locale' }],
    ['an unknown kind of push', { push: { kind: 'pigeon', address: PUSH_ADDRESS } }],
    ['a push without an address', { push: { kind: 'apns' } }],
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

  test('another user’s device is not found, and stays', async () => {
    const bob = await usher.token('bob');
    await call(usher.url, bob, 'PUT', '/v1/me/devices/bobs-own', { platform: 'tv' });
    expectProblem(await asAda('DELETE', '/v1/me/devices/bobs-own'), 404, 'not_found');
    expectProblem(await asAda('DELETE', '/v1/me/devices/never-there'), 404, 'not_found');
    expect((await call(usher.url, bob, 'GET', '/v1/me/devices')).body.devices).toContainEqual(
      expect.objectContaining({ deviceId: 'bobs-own' }),
    );
  });

  test('a push address is shown to nobody, its owner included', async () => {
    expectNoSecrets({ address: PUSH_ADDRESS }, JSON.stringify((await asAda('GET', '/v1/me/devices')).body));
  });
});

describe('a position that cannot be is refused', () => {
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
    '%s is lost',
    async (query) => {
      expectProblem(await asAda('GET', `/v1/me/entries?${query}`), 410, 'position_lost');
    },
  );
});

describe('a plan that says nothing usable is refused', () => {
  test.each([
    ['no capabilities', { capabilities: undefined }],
    ['negative streams', { capabilities: { ...PREMIUM, maxStreams: -1 } }],
    ['half a stream', { capabilities: { ...PREMIUM, maxStreams: 1.5 } }],
    ['streaming that is no yes or no', { capabilities: { ...PREMIUM, streaming: 'yes' } }],
    ['no name', { name: '' }],
    ['a name with a zero character', { name: 'ba\u0000sic' }],
    ['prices that are no list', { prices: 'price_1' }],
    ['a price with a zero character', { prices: ['price\u0000'] }],
  ])('%s', async (_, wrong) => {
    const body = { name: 'basic', prices: ['price_of_a_wrong_plan'], capabilities: PREMIUM, ...wrong };
    expectProblem(await usher.backOffice.call('PUT', '/v1/plans/wrong', body), 400, 'invalid_request');
  });

  test('a price has one plan', async () => {
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

test('the node still serves, and its log holds no token, key, secret or push address', async () => {
  expect((await asAda('GET', '/v1/me/state')).status).toBe(200);
  expect(usher.log().length).toBeGreaterThan(0);
  expectNoSecrets(used, usher.log());
});

/** The headers promise the whole body; half of it is sent, then the connection is cut. */
