/*
 * Apple's, Google's and the browsers' push services, as lean as they can be: real HTTP/2 and HTTPS with TLS, a token endpoint,
 * and of each push only that it is authorized, for whom, how long, and when it came. (Those of the tests check and decrypt
 * everything, and would be the slowest part.)
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import webPush from 'web-push';
import { localhostCertificate } from '../tools/localhost-certificate.mjs';
import { serveRequests } from './ipc-worker.mjs';
import { machineClock } from './load/clock.mjs';

/** What does not come in this time will not come any more. */
const STUCK_US = 20e6;
const LOOK_EVERY_MS = 20;
const PROJECT = 'usher-bench';
const ACCESS = 'ya29.the-access-token-of-the-bench';
const FCM_PATH = `/v1/projects/${PROJECT}/messages:send`;

const folder = mkdtempSync(join(tmpdir(), 'usher-bench-providers-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** When each address got its push, since the last `forget`. */
let got = new Map();
let [bytes, twice, refused, lastAt, answerAfterMs] = [0, 0, 0, 0, 0];

const tls = await localhostCertificate(folder);
/** Apple's service, and FCM's for those who speak HTTP/2. */
const http2 = createSecureServer(tls);
http2.on('session', (session) => session.on('error', () => session.destroy()));
http2.on('stream', (stream, head) => {
  const path = head[':path'];
  let body = path === FCM_PATH ? '' : undefined;
  let size = 0;
  stream.on('error', () => stream.destroy());
  stream.on('data', (chunk) => {
    size += chunk.length;
    if (body !== undefined) body += chunk.latin1Slice();
  });
  stream.on('end', () => {
    const address = body === undefined ? path.slice('/3/device/'.length) : tokenIn(body);
    const status = take(address, size, head.authorization);
    later(() => {
      if (stream.destroyed) return;
      if (body === undefined) stream.respond({ ':status': status }, { endStream: true });
      else {
        stream.respond({ ':status': status, 'content-type': 'application/json' });
        stream.end(NAMED);
      }
    });
  });
});
const NAMED = JSON.stringify({ name: `projects/${PROJECT}/messages/1` });

const others = createServer(tls, (request, response) => {
  const { url, headers } = request;
  const isFcm = url === FCM_PATH;
  let body = '';
  let size = 0;
  request.on('data', (chunk) => {
    size += chunk.length;
    if (isFcm) body += chunk.latin1Slice();
  });
  request.on('end', () => {
    if (url === '/token')
      return reply(response, 200, JSON.stringify({ access_token: ACCESS, expires_in: 3_599 }));
    const status = take(isFcm ? tokenIn(body) : url, size, headers.authorization);
    return later(() => (isFcm ? reply(response, status, NAMED) : reply(response, status + 1)));
  });
});
await Promise.all(
  [http2, others].map((server) => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))),
);
const [http2Origin, origin] = [http2, others].map((server) => `https://localhost:${server.address().port}`);

serveRequests({
  /** Where they are, with credentials; `settings` are Usher's. */
  place: () => ({ settings: settings(), origin, http2Origin, ca: tls.cert }),
  /** Everything is forgotten; from now on a push is answered after so long. */
  forget({ afterMs = 0 }) {
    got = new Map();
    [bytes, twice, refused, lastAt, answerAfterMs] = [0, 0, 0, machineClock(), afterMs];
  },
  /** Once so many came; or not, when none came for long. Times in µs of the machine's clock. */
  async wait({ count }) {
    while (got.size < count && machineClock() < lastAt + STUCK_US)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    const at = [...got.values()].sort((a, b) => a - b);
    const part = (share) => at[Math.floor(share * (at.length - 1))];
    const bytesEach = Math.round(bytes / at.length);
    const [tenthAt, nineTenthsAt] = [part(0.1), part(0.9)];
    const lastWall = Date.now() - (machineClock() - at.at(-1)) / 1_000;
    return {
      came: at.length,
      firstAt: at[0],
      lastAt: at.at(-1),
      tenthAt,
      nineTenthsAt,
      lastWall,
      bytesEach,
      twice,
      refused,
    };
  },
  /** How many came. */
  came: () => got.size,
  /** When each of these addresses got its push; null if it did not. */
  times: ({ addresses }) => addresses.map((address) => got.get(address) ?? null),
});

function take(address, size, authorization) {
  if (!authorization) {
    refused += 1;
    return 403;
  }
  lastAt = machineClock();
  bytes += size;
  if (got.has(address)) twice += 1;
  else got.set(address, lastAt);
  return 200;
}

function later(act) {
  if (answerAfterMs === 0) act();
  else setTimeout(() => act(), answerAfterMs);
}

function tokenIn(body) {
  const start = body.indexOf('"token":"') + 9;
  return body.slice(start, body.indexOf('"', start));
}

function reply(response, status, json) {
  const head = { 'content-length': json?.length ?? 0 };
  response.writeHead(status, json ? { ...head, 'content-type': 'application/json; charset=UTF-8' } : head);
  response.end(json);
}

function settings() {
  const pem = (type, options) =>
    generateKeyPairSync(type, options).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const vapid = webPush.generateVAPIDKeys();
  return {
    APNS_KEY: pem('ec', { namedCurve: 'P-256' }),
    APNS_KEY_ID: 'ABC123DEFG',
    APNS_TEAM_ID: 'DEF123GHIJ',
    APNS_TOPIC: 'com.example.bench',
    APNS_ORIGIN: http2Origin,
    FCM_CREDENTIALS: JSON.stringify({
      type: 'service_account',
      project_id: PROJECT,
      private_key: pem('rsa', { modulusLength: 2_048 }),
      client_email: 'usher@bench.iam.gserviceaccount.com',
      token_uri: `${origin}/token`,
    }),
    FCM_ORIGIN: http2Origin,
    VAPID_SUBJECT: 'mailto:operator@example.com',
    VAPID_PUBLIC_KEY: vapid.publicKey,
    VAPID_PRIVATE_KEY: vapid.privateKey,
    WEBPUSH_HOSTS: new URL(origin).host,
    PUSH_CA_FILE: tls.file,
  };
}
