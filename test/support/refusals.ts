import { expect } from '@jest/globals';
import { SignJWT, UnsecuredJWT } from 'jose';
import { type RawData, WebSocket } from 'ws';
import type { BackOffice, Reply } from './drivers/back-office.js';
import { eventually } from './eventually.js';
import { JWT_SECRET, mintToken } from './drivers/usher.js';

/** A refusal as RFC 9457 and the contract have it: a status, a stable code, and whether to come back with the same. */
export function expectProblem(reply: Reply, status: number, code: string, retryable = false): void {
  expect(reply.body).toMatchObject({
    status,
    code,
    retryable,
    type: expect.any(String),
    title: expect.any(String),
  });
  expect(reply.status).toBe(status);
  expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json/);
}

/** Tokens that must not be believed, by what is wrong with them. */
export async function forgedTokens(): Promise<[name: string, token: string, code: string][]> {
  const key = new TextEncoder().encode(JWT_SECRET);
  const said = (userId = 'mallory') =>
    new SignJWT({}).setSubject(userId).setAudience('usher').setIssuedAt().setExpirationTime('1h');
  const hs256 = { alg: 'HS256' };
  const unsigned = new UnsecuredJWT({})
    .setSubject('mallory')
    .setAudience('usher')
    .setExpirationTime('1h')
    .encode();
  const good = await mintToken('mallory');
  const [header, , signature] = good.split('.');
  const otherClaims = (await mintToken('somebody-else')).split('.')[1];
  return [
    ['expired', await mintToken('mallory', { expiresIn: '-1s' }), 'token_expired'],
    ['for another audience', await mintToken('mallory', { audience: 'billing' }), 'token_invalid'],
    [
      'signed with another secret',
      await mintToken('mallory', { secret: 'another secret, as long as the real one, or longer' }),
      'token_invalid',
    ],
    ['unsigned (alg none)', unsigned, 'token_invalid'],
    ['unsigned, with a signature glued on', `${unsigned}${signature}`, 'token_invalid'],
    [
      'of HS512 with the right secret',
      await said().setProtectedHeader({ alg: 'HS512' }).sign(key),
      'token_invalid',
    ],
    [
      'of HS384 with the right secret',
      await said().setProtectedHeader({ alg: 'HS384' }).sign(key),
      'token_invalid',
    ],
    ['with claims of another token', `${header}.${otherClaims}.${signature}`, 'token_invalid'],
    [
      'without an end',
      await new SignJWT({}).setSubject('mallory').setAudience('usher').setProtectedHeader(hs256).sign(key),
      'token_invalid',
    ],
    ['not valid yet', await said().setNotBefore('10m').setProtectedHeader(hs256).sign(key), 'token_invalid'],
    [
      'without a user',
      await new SignJWT({}).setAudience('usher').setExpirationTime('1h').setProtectedHeader(hs256).sign(key),
      'token_invalid',
    ],
    [
      'of a user that is a number',
      await new SignJWT({ sub: 7 as unknown as string })
        .setAudience('usher')
        .setExpirationTime('1h')
        .setProtectedHeader(hs256)
        .sign(key),
      'token_invalid',
    ],
    ...(await Promise.all(
      FOREIGN_IDS.map(async (id): Promise<[string, string, string]> => [
        `of the user ${JSON.stringify(id)}`,
        await said(id).setProtectedHeader(hs256).sign(key),
        'token_invalid',
      ]),
    )),
    ['cut short', good.slice(0, -8), 'token_invalid'],
    ['no token at all', 'let-me-in', 'token_invalid'],
    ['far too long', `${good}${'x'.repeat(6_000)}`, 'token_invalid'],
  ];
}

/** Ids outside 1–64 of `A-Z a-z 0-9 _ . : -`. */
export const FOREIGN_IDS = ['two words', 'a/b', 'ann\n', 'ann\u0000', 'ünal', '😀', '*', 'x'.repeat(65)];

/** A value nested this many levels deep, the outermost counted. */
export function nested(levels: number): unknown {
  let value: unknown = levels % 2 === 0 ? [] : {};
  for (let level = 1; level < levels; level += 1) value = level % 2 === 0 ? [value] : { inner: value };
  return value;
}

/** JSON text of that depth, which no serializer would have to survive. */
export const nestedText = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

/** A WebSocket to the device socket that speaks Engine.IO by hand, for what a proper client would never say. */
export interface RawSocket {
  readonly heard: readonly string[];
  send(data: string | Uint8Array): void;
  /** A ping frame of WebSocket's own. */
  ping(): void;
  /** From now on it reads nothing, while what it sends still goes out. */
  stopReading(): void;
  hears(what: RegExp): Promise<string>;
  /** How it was closed. */
  closed(deadlineMs?: number): Promise<number>;
  readonly isOpen: boolean;
  terminate(): void;
}

/** Rejects with the HTTP status when the upgrade is refused. */
export async function openRaw(
  url: string,
  { origin, query = '' }: { origin?: string; query?: string } = {},
): Promise<RawSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket${query}`, {
    ...(origin !== undefined && { headers: { origin } }),
  });
  const heard: string[] = [];
  let code: number | undefined;
  socket.on('message', (data: RawData) => heard.push((data as Buffer).toString('utf8')));
  socket.on('close', (closeCode) => (code = closeCode));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('unexpected-response', (request, response) => {
      reject(
        Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode }),
      );
      request.destroy();
    });
    socket.on('error', reject);
  });
  return {
    heard,
    send: (data) => socket.send(data, () => undefined),
    ping: () => socket.ping(undefined, undefined, () => undefined),
    stopReading: () => socket.pause(),
    hears: (what) => eventually(`a frame like ${what}`, () => heard.find((text) => what.test(text))),
    closed: async (deadlineMs) =>
      (
        await eventually(
          'the socket is closed',
          () => (code === undefined ? undefined : { code }),
          deadlineMs,
        )
      ).code,
    get isOpen() {
      return socket.readyState === WebSocket.OPEN;
    },
    terminate: () => socket.terminate(),
  };
}

/** A raw socket that shook hands as this device. */
export async function openRawDevice(url: string, token: string, deviceId: string): Promise<RawSocket> {
  const socket = await openRaw(url);
  socket.send(`40${JSON.stringify({ token, deviceId, platform: 'web' })}`);
  await socket.hears(/^42\["welcome"/);
  return socket;
}

/** Fails with the names of secrets that stand in the text; the secrets themselves are not printed. */
export function expectNone(secrets: Readonly<Record<string, string>>, text: string): void {
  const found = Object.entries(secrets).filter(([, secret]) => text.includes(secret));
  expect(found.map(([name]) => name)).toEqual([]);
}

export interface KeptWebhook {
  readonly eventId: string;
  readonly status: string;
  readonly waitingFor: string | null;
  readonly reason: string | null;
}

/** What became of the webhook, as the back office sees it; undefined when it is not stored. */
export async function keptWebhook(
  office: BackOffice,
  { id }: { readonly id: string },
): Promise<KeptWebhook | undefined> {
  for (const status of ['stored', 'applied', 'stale', 'ignored', 'waiting', 'failed']) {
    const { body } = await office.call('GET', `/v1/webhooks?status=${status}&limit=500`);
    const found = (body.webhooks as KeptWebhook[]).find(({ eventId }) => eventId === id);
    if (found) return found;
  }
  return undefined;
}
