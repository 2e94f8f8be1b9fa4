import { jwtVerify } from 'jose';
import { createDecipheriv, createECDH, type ECDH, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import webPush from 'web-push';
import {
  type FakePushProvider,
  listen,
  type ProviderResponse,
  readBody,
  respond,
  ResponseScript,
  sharedCertificate,
} from './fake-push-provider.js';

const DAY_S = 86_400;
const KEY_BYTES = 65;

export interface WebPush {
  /** The endpoint of the browser's subscription. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The decrypted payload. */
  readonly payload: string;
}

export interface BrowserSubscription {
  readonly kind: 'webpush';
  readonly address: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/** Fake of a push service for browsers, over HTTPS: it checks VAPID (RFC 8292), the headers of RFC 8030, and decrypts (RFC 8291). */
export interface FakeWebPush extends FakePushProvider<WebPush> {
  /** Returns the subscription of a new browser. */
  subscribe(): BrowserSubscription;
}

interface Browser {
  readonly ecdh: ECDH;
  readonly auth: Buffer;
}

export async function startFakeWebPush(): Promise<FakeWebPush> {
  const vapid = webPush.generateVAPIDKeys();
  const publicKey = Buffer.from(vapid.publicKey, 'base64url');
  const tls = await sharedCertificate();
  const responses = new ResponseScript();
  const browsers = new Map<string, Browser>();
  const accepted: WebPush[] = [];
  let [requestCount, origin] = [0, ''];

  const push = async (
    path: string,
    headers: IncomingHttpHeaders,
    body: Buffer,
  ): Promise<ProviderResponse> => {
    requestCount += 1;
    const address = `${origin}${path}`;
    const reply = responses.take(address);
    if (reply !== 'ok') return reply;
    const browser = browsers.get(path);
    if (!browser) return { status: 410 };
    if (!(await isSigned(headers.authorization, publicKey, origin))) return { status: 403 };
    if (!hasValidHeaders(headers)) return { status: 400 };
    const given = Object.entries(headers).map(([name, value]) => [name, String(value)]);
    accepted.push({ address, headers: Object.fromEntries(given), payload: decrypt(body, browser) });
    return { status: 201 };
  };

  const server = createServer({ key: tls.key, cert: tls.cert }, (request, response) => {
    readBody(request)
      .then((body) => push(request.url ?? '', request.headers, body))
      .then((reply) => respond(response, reply))
      .catch(() => response.destroy());
  });
  const { connections, close, ...listening } = await listen(server, tls);
  origin = listening.origin;
  return {
    environment: {
      VAPID_SUBJECT: 'mailto:operator@example.com',
      VAPID_PUBLIC_KEY: vapid.publicKey,
      VAPID_PRIVATE_KEY: vapid.privateKey,
      WEBPUSH_HOSTS: new URL(origin).host,
      PUSH_CA_FILE: tls.file,
    },
    responses,
    accepted,
    get requestCount() {
      return requestCount;
    },
    connections,
    subscribe() {
      const browser = { ecdh: createECDH('prime256v1'), auth: randomBytes(16) };
      const p256dh = browser.ecdh.generateKeys().toString('base64url');
      const path = `/push/${randomUUID()}`;
      browsers.set(path, browser);
      const keys = { p256dh, auth: browser.auth.toString('base64url') };
      return { kind: 'webpush', address: `${origin}${path}`, keys };
    },
    close,
  };
}

/** Returns whether the header is valid by RFC 8292: `vapid t=<JWT>, k=<public key>`, for this origin, for a day at most. */
async function isSigned(authorization: string | undefined, key: Buffer, origin: string): Promise<boolean> {
  const parts = /^vapid t=([^,\s]+), ?k=(\S+)$/.exec(authorization ?? '');
  if (parts?.[2] !== key.toString('base64url')) return false;
  const [x, y] = [key.subarray(1, 33), key.subarray(33)].map((half) => half.toString('base64url'));
  const jwk = { kty: 'EC', crv: 'P-256', x, y } as { kty: 'EC'; crv: string; x: string; y: string };
  const verified = await jwtVerify(parts[1] ?? '', jwk, { algorithms: ['ES256'], audience: origin }).catch(
    () => undefined,
  );
  const { sub, exp } = verified?.payload ?? {};
  return /^(mailto:|https:)/.test(sub ?? '') && exp !== undefined && exp - Date.now() / 1_000 <= DAY_S;
}

const hasValidHeaders = (headers: IncomingHttpHeaders): boolean =>
  /^\d+$/.test(String(headers.ttl)) &&
  headers['content-encoding'] === 'aes128gcm' &&
  ['very-low', 'low', 'normal', 'high'].includes(String(headers.urgency)) &&
  (headers.topic === undefined || /^[A-Za-z0-9_-]{1,32}$/.test(String(headers.topic)));

/** Decrypts by hand (RFC 8291, RFC 8188), so that the library is not only checked against itself. Throws when it fails. */
function decrypt(body: Buffer, { ecdh, auth }: Browser): string {
  const salt = body.subarray(0, 16);
  const sender = body.subarray(21, 21 + KEY_BYTES);
  const sealed = body.subarray(21 + KEY_BYTES);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), sender]);
  const secret = Buffer.from(hkdfSync('sha256', ecdh.computeSecret(sender), auth, info, 32));
  const derive = (name: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', secret, salt, `Content-Encoding: ${name}\0`, bytes));
  const decipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
  decipher.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  return plain.subarray(0, plain.lastIndexOf(2)).toString('utf8');
}
