import { type JWTPayload, jwtVerify } from 'jose';
import { generateKeyPairSync } from 'node:crypto';
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import {
  type FakePushProvider,
  listen,
  type ProviderResponse,
  readBody,
  ResponseScript,
  sharedCertificate,
} from './fake-push-provider.js';

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
}

/**
 * Fake of Apple's Push Notification service, over real HTTP/2 with TLS. It checks what Apple checks: the provider token (ES256, kid,
 * team, not older than an hour), the topic, the device token, the push type, the collapse id and the payload's size.
 */
export interface FakeApns extends FakePushProvider<ApnsPush> {
  /** Sends GOAWAY on each connection, as Apple does before a deploy. */
  sendGoaway(): void;
}

type Refusal = [status: number, reason: string];

export async function startFakeApns(): Promise<FakeApns> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const tls = await sharedCertificate();
  const responses = new ResponseScript();
  const sessions = new Set<ServerHttp2Session>();
  const accepted: ApnsPush[] = [];
  let requestCount = 0;

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

  const serve = async (
    stream: ServerHttp2Stream,
    session: ServerHttp2Session,
    head: Record<string, unknown>,
  ) => {
    const body = await readBody(stream);
    requestCount += 1;
    const push = pushOf(head, body);
    const reply = responses.take(push.token);
    if (reply === 'no-response') return;
    if (reply === 'disconnect') return session.destroy();
    if (reply !== 'ok') return respond(stream, reply);
    const refusal = await refusalOf(push, body.length);
    if (refusal) return respond(stream, { status: refusal[0], body: { reason: refusal[1] } });
    accepted.push(push);
    return respond(stream, { status: 200 });
  };

  const server = createSecureServer({ key: tls.key, cert: tls.cert });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
    session.on('stream', (stream, head) => {
      stream.on('error', () => stream.destroy());
      serve(stream, session, head as Record<string, unknown>).catch(() => stream.destroy());
    });
  });
  const { origin, connections, close } = await listen(server, tls);
  return {
    environment: {
      APNS_KEY: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      APNS_KEY_ID: KEY_ID,
      APNS_TEAM_ID: TEAM_ID,
      APNS_TOPIC: TOPIC,
      APNS_ORIGIN: origin,
      PUSH_CA_FILE: tls.file,
    },
    responses,
    accepted,
    get requestCount() {
      return requestCount;
    },
    connections,
    sendGoaway: () => sessions.forEach((session) => session.goaway()),
    close,
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

function pushOf(head: Record<string, unknown>, body: Buffer): ApnsPush {
  const headers = Object.fromEntries(Object.entries(head).map(([name, value]) => [name, String(value)]));
  return {
    token: decodeURIComponent(/^\/3\/device\/([^/]*)$/.exec(headers[':path'] ?? '')?.[1] ?? ''),
    headers,
    payload: JSON.parse(body.toString('utf8') || '{}') as ApnsPush['payload'],
    jwt: /^bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '',
  };
}

function respond(stream: ServerHttp2Stream, reply: Exclude<ProviderResponse, string>): void {
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
