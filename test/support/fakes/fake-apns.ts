import { generateKeyPairSync } from 'node:crypto';
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type JWTPayload, jwtVerify } from 'jose';
import { certificate, type Reply, Script, Sockets } from './fake-push-provider.js';

const TOPIC = 'com.example.tests';
const KEY_ID = 'ABC123DEFG';
const TEAM_ID = 'DEF123GHIJ';
const HOUR_S = 3_600;
const MAX_PAYLOAD = 4_096;

export interface ApnsPush {
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: { readonly aps: Record<string, unknown>; readonly [key: string]: unknown };
  readonly jwt: string;
  /** Which connection brought it: 1, 2 … */
  readonly connection: number;
}

/**
 * Apple's Push Notification service over real HTTP/2 with TLS. It checks what Apple checks: the provider token (ES256, kid,
 * team, not older than an hour), the topic, the device token, the push type, the collapse id and the payload's size.
 */
export interface PretendApns {
  /** For `startUsher` or `readConfig`. */
  readonly environment: Record<string, string>;
  readonly script: Script;
  /** Every push that passed the checks and was answered with 200, in order. */
  readonly got: readonly ApnsPush[];
  /** Pushes that came in, whatever they were answered. */
  readonly asked: number;
  /** Connections that were ever made, and those that are open. */
  readonly connections: number;
  readonly openConnections: number;
  /** Each connection is told to go away, as Apple does before a deploy. */
  goAway(): void;
  cut(): void;
  close(): Promise<void>;
}

type Refusal = [status: number, reason: string];
interface Session {
  readonly number: number;
  readonly http2: ServerHttp2Session;
}

export async function pretendApns(): Promise<PretendApns> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const tls = await certificate();
  const script = new Script();
  const sockets = new Sockets();
  const sessions = new Set<Session>();
  const got: ApnsPush[] = [];
  let asked = 0;

  const refusalOf = async (push: ApnsPush, bytes: number): Promise<Refusal | undefined> =>
    (await tokenRefusal(push.jwt)) ?? headerRefusal(push, bytes);
  const tokenRefusal = async (jwt: string): Promise<Refusal | undefined> => {
    if (jwt === '') return [403, 'MissingProviderToken'];
    const verified = await jwtVerify(jwt, pair.publicKey, { algorithms: ['ES256'], issuer: TEAM_ID }).catch(
      () => undefined,
    );
    if (verified?.protectedHeader.kid !== KEY_ID) return [403, 'InvalidProviderToken'];
    return isFresh(verified.payload) ? undefined : [403, 'ExpiredProviderToken'];
  };

  const serve = async (stream: ServerHttp2Stream, session: Session, head: Record<string, unknown>) => {
    const body = await read(stream);
    asked += 1;
    const push = pushOf(head, body, session.number);
    const reply = script.take(push.token);
    if (reply === 'silent') return;
    if (reply === 'cut') return session.http2.destroy();
    if (reply !== 'ok') return answer(stream, reply);
    const refusal = await refusalOf(push, body.length);
    if (refusal) return answer(stream, { status: refusal[0], body: { reason: refusal[1] } });
    got.push(push);
    return answer(stream, { status: 200 });
  };

  const server = createSecureServer({ key: tls.key, cert: tls.cert });
  server.on('secureConnection', (socket) => sockets.add(socket));
  server.on('session', (http2) => {
    const session = { number: sockets.count, http2 };
    sessions.add(session);
    http2.once('close', () => sessions.delete(session));
    http2.on('error', () => http2.destroy());
    http2.on('stream', (stream, head) => {
      stream.on('error', () => stream.destroy());
      serve(stream, session, head as Record<string, unknown>).catch(() => stream.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    environment: {
      APNS_KEY: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      APNS_KEY_ID: KEY_ID,
      APNS_TEAM_ID: TEAM_ID,
      APNS_TOPIC: TOPIC,
      APNS_ORIGIN: `https://localhost:${(server.address() as AddressInfo).port}`,
      PUSH_CA_FILE: tls.file,
    },
    script,
    got,
    get asked() {
      return asked;
    },
    get connections() {
      return sockets.count;
    },
    get openConnections() {
      return sockets.openNow;
    },
    goAway: () => sessions.forEach(({ http2 }) => http2.goaway()),
    cut: () => sockets.cut(),
    async close() {
      sockets.cut();
      await new Promise((resolve) => server.close(resolve));
      await tls.release();
    },
  };
}

const isFresh = ({ iat }: JWTPayload): boolean =>
  iat !== undefined && Math.abs(Date.now() / 1_000 - iat) < HOUR_S;

function headerRefusal({ token, headers, payload }: ApnsPush, bytes: number): Refusal | undefined {
  const type = headers['apns-push-type'];
  if (headers['apns-topic'] === undefined) return [400, 'MissingTopic'];
  if (headers['apns-topic'] !== TOPIC) return [400, 'TopicDisallowed'];
  if (!/^[0-9a-f]{64,200}$/i.test(token)) return [400, 'BadDeviceToken'];
  if (type !== 'alert' && type !== 'background') return [400, 'InvalidPushType'];
  if (type === 'background' && headers['apns-priority'] !== '5') return [400, 'BadPriority'];
  if (type === 'background' && payload.aps['content-available'] !== 1) return [400, 'InvalidPushType'];
  if (Buffer.byteLength(headers['apns-collapse-id'] ?? '') > 64) return [400, 'BadCollapseId'];
  if (!/^\d+$/.test(headers['apns-expiration'] ?? '0')) return [400, 'BadExpirationDate'];
  if (bytes > MAX_PAYLOAD) return [413, 'PayloadTooLarge'];
  return undefined;
}

function pushOf(head: Record<string, unknown>, body: Buffer, connection: number): ApnsPush {
  const headers = Object.fromEntries(Object.entries(head).map(([name, value]) => [name, String(value)]));
  return {
    token: decodeURIComponent(/^\/3\/device\/([^/]*)$/.exec(headers[':path'] ?? '')?.[1] ?? ''),
    headers,
    payload: JSON.parse(body.toString('utf8') || '{}') as ApnsPush['payload'],
    jwt: /^bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '',
    connection,
  };
}

async function read(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function answer(stream: ServerHttp2Stream, reply: Exclude<Reply, string>): void {
  const act = (): void => {
    if (stream.destroyed) return;
    stream.respond(
      { ':status': reply.status, ...reply.headers },
      { endStream: reply.body === undefined && reply.status === 200 },
    );
    if (reply.body !== undefined || reply.status !== 200) stream.end(textOf(reply.body));
  };
  if (reply.afterMs === undefined) act();
  else setTimeout(act, reply.afterMs).unref();
}

const textOf = (body: unknown): string =>
  typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
