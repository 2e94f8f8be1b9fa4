import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { createServer, type Server } from 'node:http';
import { call } from '../../support/drivers/back-office.js';
import { connectionError } from '../../support/drivers/observed-socket.js';
import { eventually } from '../../support/eventually.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';
import { freePort } from '../../support/infrastructure/ports.js';
import { metric } from '../../support/metric.js';

/** The streaming service's own sign-in, which publishes its public keys as a JWKS. */
type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
let usher: TestUsher;
let keys: Server;
let pair: Pair;
let keyRequests = 0;
let keysAway = true;

beforeAll(async () => {
  pair = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'today', alg: 'ES256', use: 'sig' };
  keys = createServer((_request, response) => {
    keyRequests += 1;
    if (keysAway) return void response.writeHead(503).end();
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => keys.listen(port, '127.0.0.1', resolve));
  usher = await startUsher({
    AUTH_JWKS_URL: `http://127.0.0.1:${port}/jwks.json`,
    AUTH_JWT_SECRET: '',
    AUTH_JWT_ISSUER: 'https://id.example.com',
  });
});
afterAll(async () => {
  await usher.stop();
  await new Promise((resolve) => keys.close(resolve));
});

const sign = (
  key: Pair['privateKey'] | Uint8Array,
  alg: string,
  claims: { issuer?: string; kid?: string } = {},
) =>
  new SignJWT({})
    .setProtectedHeader({ alg, kid: claims.kid ?? 'today' })
    .setSubject('ann')
    .setAudience('usher')
    .setIssuer(claims.issuer ?? 'https://id.example.com')
    .setExpirationTime('1h')
    .sign(key);

const status = async (token: string) => (await call(usher.url, token, 'GET', '/v1/me/state')).status;

describe('tokens signed by a key set', () => {
  test('are not called invalid while the key server is away, already at boot, and accepted when it is back', async () => {
    const token = await sign(pair.privateKey, 'ES256');
    const unavailable = { code: 'unavailable', retryable: true };
    const reply = await call(usher.url, token, 'GET', '/v1/me/state');
    expectProblem(reply, 503, 'unavailable', true);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await connectionError(usher.device('ann', 'ann-tv', { token }))).toMatchObject(unavailable);
    expect(await metric(usher, 'usher_jwks_fetches_total')).toBeGreaterThan(0);
    keysAway = false;
    await eventually('the token is accepted', async () => (await status(token)) === 200);
  });

  test('are accepted by HTTP and on the socket, without a request for the keys', async () => {
    const before = keyRequests;
    const token = await sign(pair.privateKey, 'ES256');
    expect(await status(token)).toBe(200);
    await usher.device('ann', 'ann-tv', { token });
    expect(keyRequests).toBe(before);
  });

  test('of another key or issuer are rejected', async () => {
    const stranger = await generateKeyPair('ES256');
    expect(await status(await sign(stranger.privateKey, 'ES256'))).toBe(401);
    expect(await status(await sign(pair.privateKey, 'ES256', { issuer: 'https://evil.example.com' }))).toBe(
      401,
    );
  });

  test('are never verified with the public key as if it were a shared secret', async () => {
    const secret = new TextEncoder().encode(await exportSPKI(pair.publicKey));
    const token = await sign(secret, 'HS256');
    expect(await status(token)).toBe(401);
    expect(await connectionError(usher.device('ann', 'ann-tv', { token }))).toMatchObject({
      code: 'token_invalid',
      retryable: false,
    });
  });
});
