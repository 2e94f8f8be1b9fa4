import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import type { CommandReply, DeviceOptions } from '../../support/drivers/device.js';
import { connectionError } from '../../support/drivers/observed-socket.js';
import { openRawSocket } from '../../support/drivers/raw-socket.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectCleanLog, expectNoSecrets } from '../../support/expectations.js';
import { forgedTokens, INVALID_IDS } from '../../support/invalid-input.js';

const APP = 'https://app.example.com';
const used: Record<string, string> = {};

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ CORS_ORIGINS: APP });
});
afterAll(() => usher.stop());

/** Returns the error of a handshake that must be rejected. */
const refused = (auth: Record<string, unknown>, more: DeviceOptions = {}) =>
  connectionError(usher.device('ann', 'ann-tv', { ...more, auth }));

describe('a handshake without a valid token is rejected', () => {
  test('with every kind of forged token', async () => {
    for (const [name, token, code] of await forgedTokens()) {
      used[`token ${name}`] = token;
      const data = await refused({ token });
      expect([name, data]).toEqual([name, { code, message: expect.any(String), retryable: false }]);
      expectNoSecrets({ ...usher.secrets(), ...used }, JSON.stringify(data));
    }
  });

  test.each([
    ['no token', undefined, 'token_missing'],
    ['an empty token', '', 'token_missing'],
    ['null', null, 'invalid_request'],
    ['a number', 42, 'invalid_request'],
    ['a boolean', true, 'invalid_request'],
    ['a list', ['token'], 'invalid_request'],
    ['an object', { toString: 'token' }, 'invalid_request'],
  ])('%s', async (_, token, code) => {
    expect(await refused({ token })).toEqual({ code, message: expect.any(String), retryable: false });
  });

  test('a token in the URL is ignored', async () => {
    const token = await usher.token('ann');
    const socket = await openRawSocket(usher.url, { query: `&token=${token}&auth=${token}` });
    socket.send('40{"deviceId":"ann-tv","platform":"tv"}');
    expect(await socket.waitFor(/^44/)).toContain('token_missing');
    socket.terminate();
  });

  test('a service key is not a user token', async () => {
    expect(await refused({ token: ADMIN_KEY })).toMatchObject({ code: 'token_invalid' });
  });
});

describe('a handshake with invalid fields is rejected', () => {
  test.each([
    ...INVALID_IDS.map((id) => [`the device ${JSON.stringify(id)}`, { deviceId: id }] as const),
    ['no device', { deviceId: undefined }],
    ['an empty device', { deviceId: '' }],
    ['a device id that is not a string', { deviceId: { id: 'tv' } }],
    ['an unknown platform', { platform: 'fridge' }],
    ['a profile with invalid characters', { profileId: 'main;drop' }],
    ['a version that is too long', { appVersion: 'x'.repeat(65) }],
    ['a version with a zero character', { appVersion: '1\u00000' }],
    ['a version with half of a surrogate pair', { appVersion: '1\ud800' }],
    ['an epoch with a zero character', { epoch: 'e\u0000', offset: '1' }],
    ['an offset that is not a number', { epoch: 'e', offset: 'one' }],
    ['a negative offset', { epoch: 'e', offset: -1 }],
    ['an offset of 17 digits', { epoch: 'e', offset: '9'.repeat(17) }],
  ])('%s', async (_, auth) => {
    expect(await refused(auth)).toEqual({
      code: 'invalid_request',
      message: expect.any(String),
      retryable: false,
    });
  });

  test('and affects no other handshake at the same time', async () => {
    const hostile = Array.from({ length: 5 }, (_, n) =>
      refused({ deviceId: `hostile-${n}`, appVersion: 'a\u0000' }),
    );
    const others = Array.from({ length: 20 }, (_, n) => usher.device(`guest-${n}`, `guest-${n}-tv`));
    await Promise.all([...others, ...hostile]);
  });

  test('and registers no device', async () => {
    expect((await usher.callAs('ann', 'GET', '/v1/me/devices')).body).toEqual({
      devices: [],
    });
  });
});

describe('a socket that does not authenticate', () => {
  test('is closed after 8 seconds, whether it is silent or was rejected', async () => {
    const opened = Date.now();
    const silent = await openRawSocket(usher.url);
    const refusedOnce = await openRawSocket(usher.url);
    refusedOnce.send('40{"token":"let-me-in","deviceId":"ann-tv","platform":"tv"}');
    await refusedOnce.waitFor(/^44/);
    await Promise.all([silent.closed(10_000), refusedOnce.closed(10_000)]);
    expect(Date.now() - opened).toBeGreaterThan(7_000);
  });

  test('is closed when it tries hundreds of tokens', async () => {
    const socket = await openRawSocket(usher.url);
    for (let n = 0; n < 400; n += 1)
      socket.send(`40{"token":"guess-${n}","deviceId":"ann-tv","platform":"tv"}`);
    await socket.closed(6_000);
  });

  test.each(['40[]', '40"ann"', '40{"token"', '42["playback.heartbeat",{}]', '4nonsense'])(
    'is closed when it sends an invalid packet: %s',
    async (frame) => {
      const socket = await openRawSocket(usher.url);
      socket.send(frame);
      await socket.closed(6_000);
    },
  );
});

describe('a page of a foreign origin cannot open a socket', () => {
  test.each([
    'https://evil.example',
    'null',
    `${APP}.evil.example`,
    'https://evil.example/https://app.example.com',
    'https://evil-app.example.com',
    'https://app.example.com:8443',
    'http://app.example.com',
    'https://app.example.com@evil.example',
    'file://',
    '*',
  ])('%s', async (origin) => {
    await expect(openRawSocket(usher.url, { origin })).rejects.toMatchObject({ status: expect.any(Number) });
  });

  test('an origin that only resembles the node’s own address', async () => {
    const { hostname, port } = new URL(usher.url);
    for (const origin of [
      `http://${hostname}.evil.example:${port}`,
      `http://${hostname}:${Number(port) + 1}`,
      `http://${hostname}`,
      `http://${hostname}:${port}@evil.example`,
    ]) {
      await expect(openRawSocket(usher.url, { origin })).rejects.toMatchObject({
        status: expect.any(Number),
      });
    }
  });

  test('and the log names its origin once, with the setting that would allow it', async () => {
    const lines = () => usher.log().match(/Pages of https:\/\/shop\.example .*CORS_ORIGINS/g) ?? [];
    for (let attempt = 0; attempt < 3; attempt += 1)
      await expect(openRawSocket(usher.url, { origin: 'https://shop.example' })).rejects.toMatchObject({
        status: expect.any(Number),
      });
    await usher.callAs('ada', 'GET', '/v1/me/state', undefined, { origin: 'https://shop.example' });
    await eventually('it is logged', () => lines().length > 0);
    expect(lines()).toHaveLength(1);
  });

  test('apps without an origin, the allowed origin and the node’s own pages can', async () => {
    for (const origin of [undefined, APP, usher.url]) {
      const socket = await openRawSocket(usher.url, origin === undefined ? {} : { origin });
      await socket.waitFor(/^0/);
      socket.terminate();
    }
  });

  test('long polling is rejected while it is turned off', async () => {
    const reply = await call(usher.url, undefined, 'GET', '/socket.io/?EIO=4&transport=polling');
    expect(reply.status).toBe(400);
  });
});

test('the node still works, and its log contains no token, key or secret', async () => {
  const device = await usher.device('zoe', 'zoe-tv');
  expect(await device.heartbeat({})).toMatchObject({ ok: true });
  expectCleanLog(usher, used);
});

describe('a device that asks for its history again and again', () => {
  test('is limited by what that costs', async () => {
    const device = await usher.device('sue', 'sue-tv');
    const { epoch } = device.received[0]?.payload ?? { epoch: '' };
    let granted = 0;
    let reply: CommandReply;
    do {
      reply = await device.request('sync', { epoch, offset: 0 });
      granted += reply.ok ? 1 : 0;
    } while (reply.ok && granted < 500);
    expect(granted).toBeGreaterThanOrEqual(30);
    expect(reply.error).toMatchObject({
      code: 'rate_limited',
      retryable: true,
      retryAfterMs: expect.any(Number),
    });
  });
});
