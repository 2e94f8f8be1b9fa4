import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createPublicKey } from 'node:crypto';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { base64url, exportSPKI, generateKeyPair, importJWK, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { Edge } from '../../clients/edge/src/edge.js';
import type { LeaseRefused } from '../../clients/edge/src/errors.js';
import { eventually } from '../support/eventually.js';
import { cancel, putPlans, startStream, subscribe } from '../support/drivers/subscribers.js';
import { type FaultProxy, faultProxy } from '../support/infrastructure/fault-proxy.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

const EDGE_ID = 'edge-lib';
const TIMERS = [
  ...(['hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'] as const),
  ...(['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] as const),
];
let usher: TestUsher;
let key: string;
const edges: Edge[] = [];
const proxies: FaultProxy[] = [];
const fronts: Server[] = [];
beforeAll(async () => {
  usher = await startUsher({ LEASE_SECONDS: '5' });
  await putPlans(usher);
  const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'edge', scopes: ['edge'] });
  key = String(body.key);
});
afterEach(async () => {
  await Promise.all(edges.splice(0).map((edge) => edge.close()));
  for (const front of fronts.splice(0)) {
    front.close();
    front.closeAllConnections();
  }
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
});
afterAll(() => usher.stop());

async function openEdge(url = usher.url): Promise<Edge> {
  const edge = new Edge({ url, key, edgeId: EDGE_ID });
  edges.push(edge);
  await eventually('connected', () => edge.connected);
  return edge;
}
const getFault = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'accepted',
    (error: LeaseRefused) => error.fault,
  );
const getCode = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'accepted',
    (error: { code?: string }) => String(error.code),
  );

/** Returns Usher's private key, which only its database has, and the claims of a lease to sign with it. */
async function stealKey() {
  const [row] = await usher.database.query<{ public_key: JWK; private_key: Buffer }>(
    'SELECT public_key, private_key FROM lease_key ORDER BY active_from LIMIT 1',
  );
  if (!row) throw new Error('there is no key');
  const jwk = { ...row.public_key, d: row.private_key.subarray(1).toString() };
  const now = Math.floor(Date.now() / 1_000);
  const claims = { sub: 'ann', sid: 's1', did: 'd', ver: 1, cap: {}, iat: now, exp: now + 60 };
  return { jwk, claims, secret: await importJWK(jwk, 'EdDSA'), kid: String(jwk.kid) };
}

describe('a lease is refused', () => {
  test('if Usher did not sign it, or it has expired', async () => {
    const edge = await openEdge();
    const { jwk, claims, secret, kid } = await stealKey();
    const header = { alg: 'EdDSA', kid };
    const sign = (more: object, headers = header) =>
      new SignJWT({ ...claims, ...more }).setProtectedHeader(headers).sign(secret);
    expect(await getFault(edge.verify(await sign({})))).toBe('accepted');

    const other = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const byOther = (headers: { alg: string; kid?: string }) =>
      new SignJWT(claims).setProtectedHeader(headers).sign(other.privateKey);
    // The classic attack: the public key, which everybody has, used as an HMAC secret.
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: jwk.x ?? '' }, format: 'jwk' });
    const spki = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const hmac = (bytes: Uint8Array) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid }).sign(bytes);
    const good = await sign({});
    const [head, body, signature] = good.split('.') as [string, string, string];
    const others = (await sign({ sub: 'mallory' })).split('.')[1];
    const unsigned = new UnsecuredJWT(claims).encode();
    const forged: [string, string][] = [
      ['signed by another key, with our kid', await byOther(header)],
      ['signed by another key, with its own kid', await byOther({ alg: 'EdDSA', kid: 'another' })],
      ['without kid', await byOther({ alg: 'EdDSA' })],
      ['HS256 with the public key as PEM', await hmac(new TextEncoder().encode(spki))],
      ['HS256 with the public key’s bytes', await hmac(base64url.decode(jwk.x ?? ''))],
      ['alg none', unsigned],
      ['alg none with a signature appended', `${unsigned}${signature}`],
      ['alg none with our kid', `${base64url.encode(JSON.stringify({ alg: 'none', kid }))}.${body}.`],
      ['with the claims of another lease', `${head}.${others}.${signature}`],
      ['without an expiry', await sign({ exp: undefined })],
      ['with a wrong type', await sign({ iat: 'now' })],
    ];
    for (const [name, token] of forged)
      expect([name, await getFault(edge.verify(token))]).toEqual([name, 'forged']);
    for (const token of ['', 'x', 'a.b.c', 'x'.repeat(10_000), `${good}x`.slice(0, 20)]) {
      expect(await getFault(edge.verify(token))).toBe('malformed');
    }
    expect(await getFault(edge.verify(await sign({ exp: claims.iat - 1 })))).toBe('expired');
    expect(await exportSPKI(other.publicKey)).not.toBe(spki);
  });

  test('if it is older than the known version of the membership', async () => {
    const edge = await openEdge();
    await subscribe(usher, 'bob');
    const { claims, secret, kid } = await stealKey();
    const of = (ver: number) =>
      new SignJWT({ ...claims, sub: 'bob', ver }).setProtectedHeader({ alg: 'EdDSA', kid }).sign(secret);
    const stream = await edge.start({ userId: 'bob', deviceId: 'bob-tv', titleId: 'dark' });
    await subscribe(usher, 'bob', 'solo');
    await eventually(
      'the change is known',
      async () => (await getFault(edge.verify(await of(1)))) === 'stale',
    );
    expect(await getFault(edge.verify(await of(2)))).toBe('accepted');
    await eventually('the stream has a lease of the new version', () => stream.lease.version === 2);
    expect(stream.signal.aborted).toBe(false);
  });

  test('if its stream was stopped, although it has not expired', async () => {
    const edge = await openEdge();
    await subscribe(usher, 'cal');
    const { body } = await startStream(usher, 'cal', { edgeId: EDGE_ID });
    const stream = await edge.adopt(body.lease);
    expect(await edge.adopt(body.lease)).toBe(stream);
    await cancel(usher, 'cal');
    await eventually('stopped', () => stream.signal.aborted);
    expect(stream.signal.reason).toBe('membership');
    expect(stream.remainingMs).toBe(0);
    expect(['stopped', 'stale']).toContain(await getFault(edge.adopt(body.lease)));
  });
});

describe('a wrong clock of an edge node', () => {
  /** The wall clock alone: timers, and the monotonic clock, go on. */
  const setClock = (byMs: number) =>
    jest.useFakeTimers({ now: Date.now() + byMs, doNotFake: TIMERS, advanceTimers: true });
  afterEach(() => void jest.useRealTimers());

  test('that is ahead keeps no stream from starting, nor from being renewed', async () => {
    const edge = await openEdge();
    await subscribe(usher, 'fay');
    setClock(600_000);
    const stream = await edge.start({ userId: 'fay', deviceId: 'fay-tv', titleId: 'dark' });
    const first = stream.lease;
    await eventually('the lease was renewed', () => stream.lease.expiresAt > first.expiresAt);
    expect(stream.signal.aborted).toBe(false);
  });

  test('that is behind makes no lease that a player shows last longer', async () => {
    const edge = await openEdge();
    await subscribe(usher, 'gus');
    const { body } = await startStream(usher, 'gus', { edgeId: EDGE_ID });
    setClock(-3_600_000);
    const stream = await edge.adopt(body.lease);
    expect(stream.remainingMs).toBeLessThanOrEqual(5_000);
  });
});

describe('a stream', () => {
  test('outlives its first lease by renewals, and frees its slot when it ends', async () => {
    const edge = await openEdge();
    await subscribe(usher, 'dan', 'solo');
    const stream = await edge.start({ userId: 'dan', deviceId: 'dan-tv', titleId: 'dark' });
    const first = stream.lease;
    await eventually('the lease was renewed', () => stream.lease.expiresAt > first.expiresAt);
    expect(await getCode(edge.start({ userId: 'dan', deviceId: 'dan-pad', titleId: 'dark' }))).toBe(
      'too_many_streams',
    );
    await stream.end();
    const next = await edge.start({ userId: 'dan', deviceId: 'dan-pad', titleId: 'dark' });
    expect(next.signal.aborted).toBe(false);
  });

  test('whose first lease cannot be verified holds no slot', async () => {
    await subscribe(usher, 'hal', 'solo');
    // In front of Usher: passes calls on, and neither the keys nor the socket.
    const front = createServer((request, response) => {
      if (!request.url?.startsWith('/v1/')) return void response.writeHead(503).end();
      const { method = 'GET', url, headers } = request;
      request.pipe(
        httpRequest(new URL(url, usher.url), { method, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        }),
      );
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    fronts.push(front);
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const edge = new Edge({ url, key, edgeId: EDGE_ID });
    edges.push(edge);
    const request = { userId: 'hal', deviceId: 'hal-tv', titleId: 'dark' };
    expect(await getFault(edge.start(request))).toBe('unverifiable');
    const other = await openEdge();
    await eventually(
      'the slot is free',
      async () => (await getCode(other.start(request))) === 'accepted',
      2_000,
    );
  });

  test('that begins while its node closes ends with it, and holds no slot', async () => {
    await subscribe(usher, 'ida', 'solo');
    const edge = await openEdge();
    const request = { userId: 'ida', deviceId: 'ida-tv', titleId: 'dark' };
    const code = getCode(edge.start(request));
    await edge.close();
    expect(await code).toBe('closed');
    const other = await openEdge();
    await eventually(
      'the slot is free',
      async () => (await getCode(other.start(request))) === 'accepted',
      2_000,
    );
  });

  test('is refused with Usher’s code if the membership does not allow it', async () => {
    const edge = await openEdge();
    expect(await getCode(edge.start({ userId: 'nobody', deviceId: 'd', titleId: 't' }))).toBe('not_entitled');
  });

  test('that ended while the node was disconnected is stopped on reconnect', async () => {
    // The renewals are far away, so only the response to `streams` can stop it.
    const node = await usher.another({ LEASE_SECONDS: '90' });
    const proxy = await faultProxy({ host: '127.0.0.1', port: Number(new URL(node.url).port) });
    proxies.push(proxy);
    const edge = await openEdge(`http://127.0.0.1:${proxy.port}`);
    await subscribe(usher, 'eve');
    const { body } = await startStream(node, 'eve', { edgeId: EDGE_ID });
    const stream = await edge.adopt(body.lease);
    proxy.set('cut');
    await eventually('cut off', () => !edge.connected);
    await cancel(usher, 'eve');
    await usher.database.query('DELETE FROM edge_notice');
    expect(stream.signal.aborted).toBe(false);
    proxy.set('open');
    await eventually('stopped', () => stream.signal.aborted);
    expect(stream.signal.reason).toBe('over');
  });
});
