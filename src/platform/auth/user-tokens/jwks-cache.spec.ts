import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JwksCache } from './jwks-cache.js';
import { jwksVerifier } from './jwks-verifier.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

type Response = 'keys' | 'error' | 'nothing' | 'html';
const keyServer = { response: 'keys' as Response, keys: [] as JWK[], requests: 0 };
let server: Server;
let now = 0;
let cache: JwksCache;
let verify: ReturnType<typeof jwksVerifier>;
const pairs = new Map<string, Awaited<ReturnType<typeof generateKeyPair>>>();

beforeAll(async () => {
  for (const kid of ['old', 'new']) pairs.set(kid, await generateKeyPair('ES256'));
  server = createServer((_request, response) => {
    keyServer.requests += 1;
    if (keyServer.response === 'error') response.writeHead(503).end();
    else if (keyServer.response === 'html') response.end('<p>welcome</p>');
    else if (keyServer.response === 'keys') response.end(JSON.stringify({ keys: keyServer.keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const publish = async (...kids: string[]) => {
  keyServer.keys = [];
  for (const kid of kids) {
    const { publicKey } = pairs.get(kid) ?? (await generateKeyPair('ES256'));
    keyServer.keys.push({ ...(await exportJWK(publicKey)), kid, alg: 'ES256' });
  }
};

beforeEach(async () => {
  await publish('old');
  Object.assign(keyServer, { response: 'keys', requests: 0 });
  const { port } = server.address() as AddressInfo;
  cache = new JwksCache({ url: `http://127.0.0.1:${port}`, now: () => now, timeoutMs: 200 });
  verify = jwksVerifier(cache.find, { audience: 'usher', issuer: undefined });
});

const token = async (kid: string, signedBy = kid) => {
  const { privateKey } = pairs.get(signedBy) ?? (await generateKeyPair('ES256'));
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid })
    .setSubject('ann')
    .setAudience('usher')
    .setExpirationTime('1h')
    .sign(privateKey);
};
const check = async (kid: string, signedBy?: string) => verify(await token(kid, signedBy));
const valid = { sub: 'ann' };
const unavailable = { code: 'unavailable', extensions: { retryAfterMs: expect.any(Number) } };
const invalid = { code: 'token_invalid' };

describe('while the key server is away', () => {
  test.each<Response>(['error', 'nothing', 'html'])(
    'and responds with %s, a token is not said to be invalid when no keys are known; it is verified when they are back',
    async (response) => {
      keyServer.response = response;
      await expect(cache.refresh()).rejects.toBeInstanceOf(Error);
      await expect(check('old')).rejects.toMatchObject(unavailable);
      expect(keyServer.requests).toBe(1);
      now += SECOND;
      await expect(Promise.all([check('old'), check('old')])).rejects.toMatchObject(unavailable);
      expect(keyServer.requests).toBe(2);
      keyServer.response = 'keys';
      now += SECOND;
      expect(await check('old')).toMatchObject(valid);
    },
  );

  test('the keys that are known are used, for a day', async () => {
    await cache.refresh();
    keyServer.response = 'error';
    now += 23 * HOUR;
    await expect(cache.refresh()).rejects.toBeInstanceOf(Error);
    expect(await check('old')).toMatchObject(valid);
    await expect(check('old', 'new')).rejects.toMatchObject(invalid);
    now += 2 * HOUR;
    await expect(check('old')).rejects.toMatchObject(unavailable);
  });

  test('an unknown key is not said to be invalid: it may be a new one', async () => {
    await cache.refresh();
    keyServer.response = 'error';
    now += 60 * SECOND;
    await expect(check('new')).rejects.toMatchObject(unavailable);
  });
});

describe('a token of an unknown key', () => {
  test('has the keys fetched once, and is valid if that brings its key', async () => {
    await cache.refresh();
    await publish('old', 'new');
    now += 60 * SECOND;
    expect(await Promise.all([check('new'), check('new'), check('old')])).toMatchObject([
      valid,
      valid,
      valid,
    ]);
    expect(keyServer.requests).toBe(2);
  });

  test('is invalid if that does not bring it, without another fetch', async () => {
    await cache.refresh();
    now += 60 * SECOND;
    await expect(check('new')).rejects.toMatchObject(invalid);
    now += SECOND;
    await expect(check('new')).rejects.toMatchObject(invalid);
    expect(keyServer.requests).toBe(2);
  });

  test('is not said to be invalid while invented key ids keep its key from being fetched', async () => {
    await cache.refresh();
    now += 60 * SECOND;
    await expect(check('invented')).rejects.toMatchObject(invalid);
    await publish('old', 'new');
    for (let n = 0; n < 9; n += 1) {
      now += SECOND;
      await expect(check(`invented-${n}`)).rejects.toMatchObject(unavailable);
      await expect(check('new')).rejects.toMatchObject(unavailable);
    }
    expect(keyServer.requests).toBe(2);
    now += SECOND;
    await expect(check('invented-9')).rejects.toMatchObject(invalid);
    expect(await check('new')).toMatchObject(valid);
    expect(keyServer.requests).toBe(3);
  });
});
