import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { connectionError } from '../../support/drivers/observed-socket.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';

let a: TestUsher;
let b: TestUsher;
beforeAll(async () => {
  a = await startUsher();
  b = await a.another();
});
afterAll(() => a.stop());

/** Token options for an issue time before or after the revocations of this test. */
const issued = (seconds: number) => ({ issuedAt: Math.floor(Date.now() / 1_000) + seconds });
const before = issued(-60);
const after = () => issued(30);
const revoke = (userId: string, of: Record<string, unknown> = {}) =>
  a.backOffice.call('POST', `/v1/users/${userId}/revocations`, of, { 'usher-reason': 'a test' });
const refused = { code: 'token_revoked', retryable: false };

describe('a revoked token', () => {
  test('disconnects its user’s devices on every node and is rejected from then on', async () => {
    const token = await a.token('ann', before);
    const tv = await a.device('ann', 'ann-tv', { token });
    const phone = await b.device('ann', 'ann-phone', { token });
    const other = await b.device('ben', 'ben-tv');
    expect(await revoke('ann')).toMatchObject({ status: 201, body: { userId: 'ann' } });
    await Promise.all([tv.disconnected(), phone.disconnected()]);
    for (const node of [a, b]) {
      expect(await connectionError(node.device('ann', 'ann-tv', { token }))).toMatchObject(refused);
      expect(await call(node.url, token, 'GET', '/v1/me/state')).toMatchObject({
        status: 401,
        body: refused,
      });
      expect(await call(node.url, token, 'GET', '/v1/me/events')).toMatchObject({ status: 401 });
    }
    expect(other.socket.connected).toBe(true);
  });

  test('is still revoked after a restart', async () => {
    const token = await a.token('cleo', before);
    await revoke('cleo');
    const restarted = await a.another();
    expect(await connectionError(restarted.device('cleo', 'cleo-tv', { token }))).toMatchObject(refused);
  });

  test('does not keep its user from signing in again', async () => {
    await revoke('dan');
    const device = await a.device('dan', 'dan-tv', { token: await a.token('dan', after()) });
    expect(device.socket.connected).toBe(true);
  });

  test('may be limited to one device or to one token', async () => {
    const lostDevice = await b.device('eve', 'eve-lost', { token: await a.token('eve', before) });
    const untouched = await b.device('eve', 'eve-kept', { token: await a.token('eve', before) });
    const one = await a.token('eve', { ...before, id: 'one' });
    const singleDevice = await b.device('eve', 'eve-single', { token: one });
    expect((await revoke('eve', { deviceId: 'eve-lost' })).status).toBe(201);
    expect((await revoke('eve', { tokenId: 'one' })).status).toBe(201);
    await Promise.all([lostDevice.disconnected(), singleDevice.disconnected()]);
    const old = await a.token('eve', before);
    expect(await connectionError(b.device('eve', 'eve-lost', { token: old }))).toMatchObject(refused);
    expect(await connectionError(b.device('eve', 'eve-other', { token: one }))).toMatchObject(refused);
    expect(untouched.socket.connected).toBe(true);
  });

  test('cannot be restored by a refresh, while a newer token keeps the connection', async () => {
    const device = await a.device('fay', 'fay-tv', { token: await a.token('fay', after()) });
    await revoke('fay');
    const reply = await device.request('token.refresh', { token: await a.token('fay', before) });
    expect(reply).toMatchObject({ ok: false, error: refused });
    expect(await device.request('token.refresh', { token: await a.token('fay', after()) })).toMatchObject({
      ok: true,
    });
  });

  test.each([
    ['no admin key', () => call(a.url, undefined, 'POST', '/v1/users/ann/revocations', {}), 401],
    ['a device and a token at once', () => revoke('ann', { deviceId: 'd', tokenId: 't' }), 400],
    ['an invalid user id', () => revoke('a%20b'), 400],
  ])('is not created with %s', async (_, attempt, status) => {
    expect((await attempt()).status).toBe(status);
  });
});
