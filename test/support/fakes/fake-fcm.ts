import { jwtVerify } from 'jose';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import {
  type FakePushProvider,
  listen,
  type ProviderResponse,
  readBody,
  respond,
  ResponseScript,
  sharedCertificate,
} from './fake-push-provider.js';

const PROJECT = 'usher-tests';
const ACCOUNT = 'usher@tests.iam.gserviceaccount.com';
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const JSON_TYPE = { 'content-type': 'application/json; charset=UTF-8' };
const ERROR_TYPE = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';

export interface FcmPush {
  /** The registration token or the installation id. */
  readonly address: string;
  readonly kind: 'fcm_token' | 'fcm_fid';
  readonly message: Readonly<Record<string, unknown>>;
}

/**
 * Fake of Firebase Cloud Messaging, over HTTP/2, and HTTP/1.1 for those who ask for that, as Google's: the token endpoint, which checks the
 * service account's assertion (RS256), and FCM's v1 API, which checks the access token and the message.
 */
export interface FakeFcm extends FakePushProvider<FcmPush> {
  /** How many access tokens were granted. */
  readonly grants: number;
  /** The access token that was granted last. */
  readonly accessToken: string;
  /** How the token endpoint responds from now on; `ok` grants a token. */
  tokenResponse: ProviderResponse;
  /** Sends GOAWAY on each HTTP/2 connection, as Google does now and then. */
  sendGoaway(): void;
  /** Makes the access token that was granted last invalid. */
  revokeAccessToken(): void;
}

/** Returns an error in FCM's format. */
export const fcmError = (
  status: number,
  code: string,
  headers: Record<string, string> = {},
): ProviderResponse => ({
  status,
  headers,
  body: {
    error: { code: status, message: 'no', status: code, details: [{ '@type': ERROR_TYPE, errorCode: code }] },
  },
});

export async function startFakeFcm(): Promise<FakeFcm> {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const tls = await sharedCertificate();
  const responses = new ResponseScript();
  const accepted: FcmPush[] = [];
  let [requestCount, grants, access, origin] = [0, 0, '', ''];

  const grant = async (form: URLSearchParams): Promise<ProviderResponse> => {
    if (fcm.tokenResponse !== 'ok') return fcm.tokenResponse;
    const verified = await jwtVerify(form.get('assertion') ?? '', pair.publicKey, {
      algorithms: ['RS256'],
      issuer: ACCOUNT,
      audience: `${origin}/token`,
    }).catch(() => undefined);
    const isGood = form.get('grant_type') === GRANT && verified?.payload.scope === SCOPE;
    if (!isGood) return { status: 400, body: { error: 'invalid_grant' } };
    grants += 1;
    access = `ya29.${randomUUID()}`;
    return { status: 200, body: { access_token: access, expires_in: 3_599, token_type: 'Bearer' } };
  };
  const send = (authorization: string | undefined, body: string): ProviderResponse => {
    requestCount += 1;
    const { message } = JSON.parse(body) as { message: Record<string, unknown> };
    const address = String(message.token ?? message.fid);
    const reply = responses.take(address);
    if (reply !== 'ok') return reply;
    if (access === '' || authorization !== `Bearer ${access}`) return fcmError(401, 'UNAUTHENTICATED');
    if (!isValid(message)) return fcmError(400, 'INVALID_ARGUMENT');
    accepted.push({ address, kind: message.fid === undefined ? 'fcm_token' : 'fcm_fid', message });
    return { status: 200, body: { name: `projects/${PROJECT}/messages/${accepted.length}` } };
  };

  const server = createSecureServer(
    { key: tls.key, cert: tls.cert, allowHTTP1: true },
    (request, response) => {
      const act = async (): Promise<void> => {
        const body = (await readBody(request)).toString('utf8');
        const path = `${request.method} ${request.url}`;
        if (path === 'POST /token')
          return respond(response, await grant(new URLSearchParams(body)), JSON_TYPE);
        if (path !== `POST /v1/projects/${PROJECT}/messages:send`)
          return respond(response, fcmError(404, 'NOT_FOUND'), JSON_TYPE);
        return respond(response, send(request.headers.authorization, body), JSON_TYPE);
      };
      act().catch(() => response.destroy());
    },
  );
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  const listening = await listen(server, tls);
  origin = listening.origin;
  const account = {
    type: 'service_account',
    project_id: PROJECT,
    private_key_id: 'key-1',
    private_key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: ACCOUNT,
    token_uri: `${origin}/token`,
  };
  const fcm: FakeFcm = {
    environment: {
      FCM_CREDENTIALS: JSON.stringify(account),
      FCM_ORIGIN: origin,
      PUSH_CA_FILE: tls.file,
    },
    responses,
    accepted,
    get requestCount() {
      return requestCount;
    },
    get grants() {
      return grants;
    },
    get accessToken() {
      return access;
    },
    connections: listening.connections,
    tokenResponse: 'ok',
    sendGoaway: () => sessions.forEach((session) => session.goaway()),
    revokeAccessToken: () => void (access = randomUUID()),
    close: listening.close,
  };
  return fcm;
}

/** Whether FCM would accept the message: one target, only strings as data, a valid time to live and priority. */
function isValid({ token, fid, data, android }: Record<string, unknown>): boolean {
  const targets = [token, fid].filter((target) => typeof target === 'string' && target !== '');
  const values = Object.values((data ?? {}) as Record<string, unknown>);
  const { ttl, priority } = (android ?? {}) as { ttl?: string; priority?: string };
  return (
    targets.length === 1 &&
    values.every((value) => typeof value === 'string') &&
    (ttl === undefined || /^\d+(\.\d+)?s$/.test(ttl)) &&
    (priority === undefined || ['HIGH', 'NORMAL'].includes(priority.toUpperCase()))
  );
}
