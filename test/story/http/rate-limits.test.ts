import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { call, type HttpReply } from '../../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';
import { nestedJson } from '../../support/invalid-input.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({
    USER_CALLS_PER_SECOND: '2',
    KEY_CALLS_PER_SECOND: '4',
    WEBHOOKS_PER_SECOND: '2',
    CORS_ORIGINS: 'https://app.example.com',
  });
});
afterAll(() => usher.stop());

/** Sends this many requests at once. Returns the responses that were refused for the rate. */
async function refusedOf(times: number, send: () => Promise<HttpReply>): Promise<HttpReply[]> {
  const replies = await Promise.all(Array.from({ length: times }, send));
  return replies.filter(({ status }) => status === 429);
}
const newKey = async () =>
  String((await usher.backOffice.call('POST', '/v1/keys', { name: 'k', scopes: ['edge'] })).body.key);

describe('who calls too often is refused, and nobody else:', () => {
  test('a user, with what is left in each response, and when to try again', async () => {
    const eager = await usher.token('eager');
    const headers = { origin: 'https://app.example.com' };
    const ask = () => call(usher.url, eager, 'GET', '/v1/me/preferences', undefined, headers);
    const first = await ask();
    expect(first.headers.get('ratelimit-policy')).toBe('"user";q=10;w=5');
    expect(first.headers.get('ratelimit')).toMatch(/^"user";r=9;t=\d+$/);
    const [refused] = await refusedOf(40, ask);
    if (!refused) throw new Error('nothing was refused');
    expectProblem(refused, 429, 'rate_limited', true);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('access-control-expose-headers')).toMatch(/RateLimit/);
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect((await usher.callAs('other', 'GET', '/v1/me/preferences')).status).toBe(200);
  });

  test('a service key', async () => {
    const [eager, other] = [await newKey(), await newKey()];
    const ask = (key: string) => call(usher.url, key, 'GET', '/v1/users/ann/entitlement');
    const [refused] = await refusedOf(60, () => ask(eager));
    expect(refused?.headers.get('ratelimit')).toMatch(/^"key";r=0;t=\d+$/);
    expect((await ask(other)).status).toBe(200);
  });

  test('an address that sends webhooks, as the proxy names it', async () => {
    const webhook = (address: string) =>
      call(usher.url, undefined, 'POST', '/v1/webhooks/stripe', '{}', { 'x-forwarded-for': address });
    expect((await refusedOf(40, () => webhook('192.0.2.7'))).length).toBeGreaterThan(0);
    expectProblem(await webhook('192.0.2.8'), 400, 'signature_invalid');
  });
});

describe('a stranger’s body is not read:', () => {
  test.each([
    ['not JSON', '{'],
    ['nested deeply', nestedJson(100)],
    ['too large', JSON.stringify('x'.repeat(1_100_000))],
  ])('%s', async (_, body) => {
    const expired = await usher.token('ada', { expiresIn: '-1s' });
    const wrongKey = `usk_0123456789abcdef_${'x'.repeat(43)}`;
    expectProblem(await call(usher.url, wrongKey, 'POST', '/v1/events', body), 401, 'unauthorized');
    expectProblem(await call(usher.url, undefined, 'PUT', '/v1/plans/basic', body), 401, 'unauthorized');
    expectProblem(await call(usher.url, expired, 'PUT', '/v1/me/preferences', body), 401, 'token_expired');
    expectProblem(await call(usher.url, undefined, 'POST', '/nothing', body), 404, 'not_found');
  });

  test('without an end: the connection is destroyed', async () => {
    const socket = connect(Number(new URL(usher.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST /v1/events HTTP/1.1\r\nHost: usher\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const send = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', send).resume();
    send();
    await new Promise((resolve) => socket.once('close', resolve));
  });
});
