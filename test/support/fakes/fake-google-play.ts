import { exportJWK, SignJWT } from 'jose';
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { call, type HttpReply } from '../drivers/back-office.js';

const AUDIENCE = 'https://usher.example.com/v1/webhooks/google';
const ACCOUNT = 'push@tests.iam.gserviceaccount.com';
const APP = 'com.example.tests';

export interface PubSubPushOptions {
  readonly claims?: Record<string, unknown>;
  readonly key?: KeyObject;
  readonly alg?: string;
  readonly expiresIn?: number;
  readonly authorization?: string;
  readonly messageId?: string;
  readonly packageName?: string;
  /** In place of the notification of a subscription. */
  readonly notification?: Record<string, unknown>;
}

/** Fake of the Google APIs that Usher uses: the keys of Pub/Sub's tokens, the token endpoint, and Play's subscriptions. */
export interface FakeGooglePlay {
  readonly environment: Record<string, string>;
  /** The purchase that Play returns for each purchase token; 410 for one that it deleted. */
  readonly purchases: Map<string, Record<string, unknown> | 410>;
  /** While it is true, Play answers every lookup with 503. */
  isAway: boolean;
  /** The purchase tokens that were looked up, in order. */
  readonly lookups: readonly string[];
  /** Makes the access token that was granted last invalid. */
  revokeAccessToken(): void;
  readonly grants: number;
  /** Returns the body and headers of a push as Pub/Sub sends it. */
  push(
    purchaseToken: string,
    options?: PubSubPushOptions,
  ): Promise<{ body: string; headers: Record<string, string> }>;
  send(url: string, purchaseToken: string, options?: PubSubPushOptions): Promise<HttpReply>;
  close(): Promise<void>;
}

export async function startFakeGooglePlay(): Promise<FakeGooglePlay> {
  const signer = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const account = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const purchases = new Map<string, Record<string, unknown> | 410>();
  let access = randomUUID();
  let grants = 0;
  const lookups: string[] = [];
  const jwks = {
    keys: [{ ...(await exportJWK(signer.publicKey)), kid: 'google-1', alg: 'RS256', use: 'sig' }],
  };
  const handle = (method: string, url: URL, authorization: string | undefined): [number, unknown] => {
    if (url.pathname === '/certs') return [200, jwks];
    if (url.pathname === '/token' && method === 'POST') {
      grants += 1;
      return [200, { access_token: access, expires_in: 3_600, token_type: 'Bearer' }];
    }
    if (google.isAway) return [503, { error: { code: 503 } }];
    if (authorization !== `Bearer ${access}`) return [401, { error: { code: 401 } }];
    const token = /\/subscriptionsv2\/tokens\/(.+)$/.exec(url.pathname)?.[1];
    if (token !== undefined) lookups.push(decodeURIComponent(token));
    const found = token === undefined ? undefined : purchases.get(decodeURIComponent(token));
    if (found === 410) return [410, { error: { code: 410 } }];
    return found ? [200, found] : [404, { error: { code: 404 } }];
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://google');
    const [status, json] = handle(request.method ?? 'GET', url, request.headers.authorization);
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const google: FakeGooglePlay = {
    purchases,
    isAway: false,
    lookups,
    environment: {
      GOOGLE_PACKAGE_NAME: APP,
      GOOGLE_PUBSUB_AUDIENCE: AUDIENCE,
      GOOGLE_PUBSUB_SERVICE_ACCOUNT: ACCOUNT,
      GOOGLE_SERVICE_ACCOUNT_KEY: JSON.stringify({
        client_email: 'usher@tests.iam.gserviceaccount.com',
        private_key: account.privateKey.export({ type: 'pkcs8', format: 'pem' }),
        token_uri: `${url}/token`,
      }),
      GOOGLE_API_BASE: url,
      GOOGLE_JWKS_URL: `${url}/certs`,
    },
    get grants() {
      return grants;
    },
    revokeAccessToken: () => void (access = randomUUID()),
    async push(purchaseToken, options = {}) {
      const now = Math.floor(Date.now() / 1_000);
      const token = await new SignJWT({
        ...{
          iss: 'https://accounts.google.com',
          aud: AUDIENCE,
          email: ACCOUNT,
          email_verified: true,
          sub: '1',
        },
        ...options.claims,
      })
        .setProtectedHeader({ alg: options.alg ?? 'RS256', kid: 'google-1' })
        .setIssuedAt(now)
        .setExpirationTime(now + (options.expiresIn ?? 3_600))
        .sign(options.key ?? signer.privateKey);
      const notification = {
        version: '1.0',
        packageName: options.packageName ?? APP,
        eventTimeMillis: String(Date.now()),
        ...(options.notification ?? {
          subscriptionNotification: { version: '1.0', notificationType: 4, purchaseToken },
        }),
      };
      const message = {
        data: Buffer.from(JSON.stringify(notification)).toString('base64'),
        messageId: options.messageId ?? randomUUID(),
        publishTime: new Date().toISOString(),
      };
      return {
        body: JSON.stringify({ message, subscription: 'projects/tests/subscriptions/usher' }),
        headers: { authorization: options.authorization ?? `Bearer ${token}` },
      };
    },
    async send(to, purchaseToken, options) {
      const { body, headers } = await google.push(purchaseToken, options);
      return call(to, undefined, 'POST', '/v1/webhooks/google', body, headers);
    },
    close: () => new Promise((resolve) => (server.close(() => resolve()), server.closeAllConnections())),
  };
  return google;
}

/** Returns a purchase in Play's format. */
export const buildPurchase = (state: string, more: Record<string, unknown> = {}) => ({
  kind: 'androidpublisher#subscriptionPurchaseV2',
  subscriptionState: `SUBSCRIPTION_STATE_${state}`,
  latestOrderId: 'GPA.1',
  lineItems: [
    {
      productId: 'basic',
      expiryTime: new Date(Date.now() + 86_400_000).toISOString(),
      autoRenewingPlan: { autoRenewEnabled: true },
      offerDetails: { basePlanId: 'monthly' },
    },
  ],
  ...more,
});
