import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createPublicKey } from 'node:crypto';
import { base64url, exportSPKI, generateKeyPair, importJWK, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { Edge } from '../../clients/edge/src/edge.js';
import type { LeaseRefused } from '../../clients/edge/src/errors.js';
import { eventually } from '../support/eventually.js';
import { cancel, putPlans, startStream, subscribe } from '../support/drivers/subscribers.js';
import { type FaultProxy, faultProxy } from '../support/infrastructure/fault-proxy.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

const EDGE_ID = 'edge-lib';
let usher: TestUsher;
let key: string;
const edges: Edge[] = [];
const wires: FaultProxy[] = [];
beforeAll(async () => {
  usher = await startUsher({ LEASE_SECONDS: '5' });
  await putPlans(usher);
  const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'edge', scopes: ['edge'] });
  key = String(body.key);
});
afterEach(async () => {
  await Promise.all(edges.splice(0).map((edge) => edge.close()));
  await Promise.all(wires.splice(0).map((wire) => wire.close()));
});
afterAll(() => usher.stop());

async function connected(url = usher.url): Promise<Edge> {
  const edge = new Edge({ url, key, edgeId: EDGE_ID });
  edges.push(edge);
  await eventually('connected', () => edge.connected);
  return edge;
}
const fault = (verifying: Promise<unknown>): Promise<string> =>
  verifying.then(
    () => 'taken',
    (error: LeaseRefused) => error.fault,
  );
const code = (asking: Promise<unknown>): Promise<string> =>
  asking.then(
    () => 'taken',
    (error: { code?: string }) => String(error.code),
  );

/** Usher's own key, as only its database has it, and a lease's claims to sign with it. */
async function stolen() {
  const [row] = await usher.database.query<{ public_key: JWK; private_key: Buffer }>(
    'SELECT public_key, private_key FROM lease_key ORDER BY active_from LIMIT 1',
  );
  if (!row) throw new Error('there is no key');
  const jwk = { ...row.public_key, d: row.private_key.subarray(1).toString() };
  const now = Math.floor(Date.now() / 1_000);
  const claims = { sub: 'ann', sid: 's1', did: 'd', ver: 1, cap: {}, iat: now, exp: now + 60 };
  return { jwk, claims, secret: await importJWK(jwk, 'EdDSA'), kid: String(jwk.kid) };
}

describe('an edge node takes no lease', () => {
  test('that Usher did not sign, or that is over', async () => {
    const edge = await connected();
    const { jwk, claims, secret, kid } = await stolen();
    const header = { alg: 'EdDSA', kid };
    const sign = (more: object, headers = header) =>
      new SignJWT({ ...claims, ...more }).setProtectedHeader(headers).sign(secret);
    expect(await fault(edge.verify(await sign({})))).toBe('taken');

    const other = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const byOther = (headers: { alg: string; kid?: string }) =>
      new SignJWT(claims).setProtectedHeader(headers).sign(other.privateKey);
    // The classic: the public key, which everybody has, as the secret of HMAC.
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: jwk.x ?? '' }, format: 'jwk' });
    const spki = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const hmac = (bytes: Uint8Array) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid }).sign(bytes);
    const good = await sign({});
    const [head, body, signature] = good.split('.') as [string, string, string];
    const others = (await sign({ sub: 'mallory' })).split('.')[1];
    const unsigned = new UnsecuredJWT(claims).encode();
    const forged: [string, string][] = [
      ['of another key under our kid', await byOther(header)],
      ['of another key under its own kid', await byOther({ alg: 'EdDSA', kid: 'another' })],
      ['without kid', await byOther({ alg: 'EdDSA' })],
      ['HS256 with the public key as PEM', await hmac(new TextEncoder().encode(spki))],
      ['HS256 with the public key’s bytes', await hmac(base64url.decode(jwk.x ?? ''))],
      ['alg none', unsigned],
      ['alg none with a signature glued on', `${unsigned}${signature}`],
      ['alg none with our kid', `${base64url.encode(JSON.stringify({ alg: 'none', kid }))}.${body}.`],
      ['with claims of another', `${head}.${others}.${signature}`],
      ['without its end', await sign({ exp: undefined })],
      ['with a wrong type', await sign({ iat: 'now' })],
    ];
    for (const [name, token] of forged)
      expect([name, await fault(edge.verify(token))]).toEqual([name, 'forged']);
    for (const token of ['', 'x', 'a.b.c', 'x'.repeat(10_000), `${good}x`.slice(0, 20)]) {
      expect(await fault(edge.verify(token))).toBe('malformed');
    }
    expect(await fault(edge.verify(await sign({ exp: claims.iat - 1 })))).toBe('expired');
    expect(await exportSPKI(other.publicKey)).not.toBe(spki);
  });

  test('of an older version of the membership than it knows', async () => {
    const edge = await connected();
    await subscribe(usher, 'bob');
    const { claims, secret, kid } = await stolen();
    const of = (ver: number) =>
      new SignJWT({ ...claims, sub: 'bob', ver }).setProtectedHeader({ alg: 'EdDSA', kid }).sign(secret);
    const stream = await edge.start({ userId: 'bob', deviceId: 'bob-tv', titleId: 'dark' });
    await subscribe(usher, 'bob', 'solo');
    await eventually('the change is known', async () => (await fault(edge.verify(await of(1)))) === 'stale');
    expect(await fault(edge.verify(await of(2)))).toBe('taken');
    await eventually('the stream goes on with a lease of the new version', () => stream.lease.version === 2);
    expect(stream.signal.aborted).toBe(false);
  });

  test('of a stream that was stopped, however long the lease has to live', async () => {
    const edge = await connected();
    await subscribe(usher, 'cal');
    const { body } = await startStream(usher, 'cal', { edgeId: EDGE_ID });
    const stream = await edge.adopt(body.lease);
    expect(await edge.adopt(body.lease)).toBe(stream);
    await cancel(usher, 'cal');
    await eventually('stopped', () => stream.signal.aborted);
    expect(stream.signal.reason).toBe('membership');
    expect(stream.livesMs).toBe(0);
    expect(['stopped', 'stale']).toContain(await fault(edge.adopt(body.lease)));
  });
});

describe('an edge node’s stream', () => {
  test('lives on renewals beyond its first lease, and gives its slot back at the end', async () => {
    const edge = await connected();
    await subscribe(usher, 'dan', 'solo');
    const stream = await edge.start({ userId: 'dan', deviceId: 'dan-tv', titleId: 'dark' });
    const first = stream.lease;
    await eventually('a newer lease', () => stream.lease.expiresAt > first.expiresAt);
    expect(await code(edge.start({ userId: 'dan', deviceId: 'dan-pad', titleId: 'dark' }))).toBe(
      'too_many_streams',
    );
    await stream.end();
    const next = await edge.start({ userId: 'dan', deviceId: 'dan-pad', titleId: 'dark' });
    expect(next.signal.aborted).toBe(false);
  });

  test('is refused with Usher’s word when the membership does not allow it', async () => {
    const edge = await connected();
    expect(await code(edge.start({ userId: 'nobody', deviceId: 'd', titleId: 't' }))).toBe('not_entitled');
  });

  test('that ended while the node was cut off is stopped when it is back', async () => {
    // Its renewals are far away: only the answer to `streams` can tell.
    const node = await usher.another({ LEASE_SECONDS: '90' });
    const wire = await faultProxy({ host: '127.0.0.1', port: Number(new URL(node.url).port) });
    wires.push(wire);
    const edge = await connected(`http://127.0.0.1:${wire.port}`);
    await subscribe(usher, 'eve');
    const { body } = await startStream(node, 'eve', { edgeId: EDGE_ID });
    const stream = await edge.adopt(body.lease);
    wire.set('cut');
    await eventually('cut off', () => !edge.connected);
    await cancel(usher, 'eve');
    await usher.database.query('DELETE FROM edge_notice');
    expect(stream.signal.aborted).toBe(false);
    wire.set('open');
    await eventually('stopped', () => stream.signal.aborted);
    expect(stream.signal.reason).toBe('over');
  });
});
