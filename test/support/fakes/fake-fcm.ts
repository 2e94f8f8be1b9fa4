import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';
import { bodyOf, certificate, type Reply, Script, Sockets } from './fake-push-provider.js';

const PROJECT = 'usher-tests';
const ACCOUNT = 'usher@tests.iam.gserviceaccount.com';
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ERROR_TYPE = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';

export interface FcmPush {
  /** The token, or the installation id. */
  readonly address: string;
  readonly kind: 'fcm_token' | 'fcm_fid';
  readonly message: Readonly<Record<string, unknown>>;
}

/**
 * Firebase Cloud Messaging over HTTPS: Google's token endpoint, which checks the service account's assertion (RS256), and FCM's
 * v1 API, which checks the access token and the message.
 */
export interface PretendFcm {
  /** For `startUsher` or `readConfig`. */
  readonly environment: Record<string, string>;
  readonly script: Script;
  /** Every push that was accepted, in order. */
  readonly got: readonly FcmPush[];
  /** Pushes that came in, whatever they were answered. */
  readonly asked: number;
  /** Access tokens that were granted. */
  readonly grants: number;
  /** Connections that were ever made, and those that are open. */
  readonly connections: number;
  readonly openConnections: number;
  /** What the token endpoint answers from now on; `ok` grants. */
  granting: Reply;
  /** The access token that was granted last is worth nothing any more. */
  revoke(): void;
  cut(): void;
  close(): Promise<void>;
}

/** An error as FCM words it. */
export const fcmError = (status: number, code: string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: {
    error: { code: status, message: 'no', status: code, details: [{ '@type': ERROR_TYPE, errorCode: code }] },
  },
});

export async function pretendFcm(): Promise<PretendFcm> {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const tls = await certificate();
  const script = new Script();
  const sockets = new Sockets();
  const got: FcmPush[] = [];
  let [asked, grants, access, origin] = [0, 0, '', ''];

  const grant = async (form: URLSearchParams): Promise<Reply> => {
    if (fcm.granting !== 'ok') return fcm.granting;
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
  const send = (authorization: string | undefined, body: string): Reply => {
    asked += 1;
    const { message } = JSON.parse(body) as { message: Record<string, unknown> };
    const address = String(message.token ?? message.fid);
    const reply = script.take(address);
    if (reply !== 'ok') return reply;
    if (access === '' || authorization !== `Bearer ${access}`) return fcmError(401, 'UNAUTHENTICATED');
    if (!isValid(message)) return fcmError(400, 'INVALID_ARGUMENT');
    got.push({ address, kind: message.fid === undefined ? 'fcm_token' : 'fcm_fid', message });
    return { status: 200, body: { name: `projects/${PROJECT}/messages/${got.length}` } };
  };

  const server = createServer({ key: tls.key, cert: tls.cert }, (request, response) => {
    const act = async (): Promise<void> => {
      const body = (await bodyOf(request)).toString('utf8');
      const path = `${request.method} ${request.url}`;
      if (path === 'POST /token') return answer(response, await grant(new URLSearchParams(body)));
      if (path !== `POST /v1/projects/${PROJECT}/messages:send`)
        return answer(response, fcmError(404, 'NOT_FOUND'));
      return answer(response, send(request.headers.authorization, body));
    };
    act().catch(() => response.destroy());
  });
  server.on('secureConnection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  const account = {
    type: 'service_account',
    project_id: PROJECT,
    private_key_id: 'key-1',
    private_key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: ACCOUNT,
    token_uri: `${origin}/token`,
  };
  const fcm: PretendFcm = {
    environment: {
      FCM_CREDENTIALS: JSON.stringify(account),
      FCM_ORIGIN: origin,
      PUSH_CA_FILE: tls.file,
    },
    script,
    got,
    get asked() {
      return asked;
    },
    get grants() {
      return grants;
    },
    get connections() {
      return sockets.count;
    },
    get openConnections() {
      return sockets.openNow;
    },
    granting: 'ok',
    revoke: () => void (access = randomUUID()),
    cut: () => sockets.cut(),
    async close() {
      sockets.cut();
      await new Promise((resolve) => server.close(resolve));
      await tls.release();
    },
  };
  return fcm;
}

/** What FCM would refuse: no or two targets, values that are no strings, a time to live that is none. */
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

function answer(response: ServerResponse, reply: Reply): void {
  if (reply === 'silent') return;
  if (reply === 'cut' || reply === 'ok') return void response.destroy();
  const act = (): void => {
    response.writeHead(reply.status, { 'content-type': 'application/json; charset=UTF-8', ...reply.headers });
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {}));
  };
  if (reply.afterMs === undefined) act();
  else setTimeout(act, reply.afterMs).unref();
}
