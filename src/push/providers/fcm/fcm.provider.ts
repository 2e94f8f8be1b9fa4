import { randomUUID } from 'node:crypto';
import { Agent as HttpsAgent, type AgentOptions } from 'node:https';
import type { App } from 'firebase-admin/app';
import type { Message, Messaging } from 'firebase-admin/messaging';
import type { Config } from '../../../platform/config/config.js';
import {
  AccessTokenError,
  GoogleAccessTokenClient,
} from '../../../platform/google/google-access-token.client.js';
import type { FirebaseServiceAccount } from '../../../platform/google/service-account.js';
import type { PushMessage } from '../push-message.js';
import type { PushProvider, PushProviderDefinition } from '../push-provider.js';
import {
  DELIVERED,
  misconfigured,
  networkErrorResult,
  rejected,
  retry,
  retryAfterMs,
  type SendResult,
} from '../../../platform/sending/send-result.js';
import { tlsOptions } from '../../../platform/sending/tls.js';
import { toFcmMessage } from './fcm-message.js';
import { parseFcmError } from './fcm-response.schema.js';
import { toFcmResult } from './fcm-result.js';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const MAX_SOCKETS = 200;
const GOOGLE_HOST = /(^|\.)googleapis\.com$/;

/** firebase-admin, once it is loaded. */
interface FirebaseClient {
  readonly app: App;
  readonly messaging: Messaging;
  readonly agent: HttpsAgent;
}

/**
 * Firebase Cloud Messaging, v1 API, by firebase-admin. Three things are ours: the access token, so that broken credentials can be told
 * from a broken network; the origin, which the library has no setting for; and retries, of which the library makes up to four by itself,
 * unseen and after our timeout. Results are read from FCM's response, since the library maps several codes to one.
 */
export class FcmProvider implements PushProvider {
  private readonly tls;
  private readonly tokens: GoogleAccessTokenClient;
  private token = '';
  private firebase: Promise<FirebaseClient> | undefined;

  private constructor(
    private readonly account: FirebaseServiceAccount,
    private readonly config: Pick<Config, 'FCM_ORIGIN' | 'PUSH_CA_FILE'>,
  ) {
    this.tls = tlsOptions(config.PUSH_CA_FILE);
    this.tokens = new GoogleAccessTokenClient(account, {
      scope: SCOPE,
      endpoint: tokenEndpoint(account.token_uri, config.FCM_ORIGIN),
      secureContext: this.tls.secureContext,
    });
  }

  /** Returns undefined when the credentials are not set. */
  static create(config: Config): FcmProvider | undefined {
    return config.FCM_CREDENTIALS && new FcmProvider(config.FCM_CREDENTIALS, config);
  }

  upstreamOf(): string {
    return 'fcm';
  }

  async send(message: PushMessage): Promise<SendResult> {
    if (message.to.kind !== 'fcm_token' && message.to.kind !== 'fcm_fid') return rejected('other_vendor');
    const fcmMessage = toFcmMessage(message, Date.now());
    if ('is' in fcmMessage) return fcmMessage;
    const result = await this.sendOnce(fcmMessage);
    // The access token was revoked before it expired: with a new one the same push is good.
    return isUnauthenticated(result) ? this.sendOnce(fcmMessage) : result;
  }

  async close(): Promise<void> {
    const firebase = await this.firebase?.catch(() => undefined);
    if (firebase) {
      const { deleteApp } = await import('firebase-admin/app');
      await deleteApp(firebase.app);
      firebase.agent.destroy();
    }
    await this.tokens.close();
  }

  private async sendOnce(message: Message): Promise<SendResult> {
    try {
      this.token = await this.tokens.get();
    } catch (error) {
      return tokenErrorResult(error);
    }
    const { token } = this;
    this.firebase ??= this.load();
    const { messaging } = await this.firebase;
    try {
      await messaging.send(message);
      return DELIVERED;
    } catch (error) {
      const result = sendErrorResult(error);
      if (isUnauthenticated(result)) await this.tokens.invalidate(token);
      return result;
    }
  }

  /** The library is loaded only where FCM is used. */
  private async load(): Promise<FirebaseClient> {
    const [{ initializeApp }, { getMessaging }] = await Promise.all([
      import('firebase-admin/app'),
      import('firebase-admin/messaging'),
    ]);
    const agent = this.createAgent();
    // The library asks again when a token is about to expire. One that expires at once makes it ask at each send, so ours decides.
    const credential = { getAccessToken: () => Promise.resolve({ access_token: this.token, expires_in: 1 }) };
    const options = { projectId: this.account.project_id, httpAgent: agent, credential };
    const app = initializeApp(options, `usher-${randomUUID()}`);
    return { app, messaging: withoutRetries(getMessaging(app)), agent };
  }

  private createAgent(): HttpsAgent {
    const { FCM_ORIGIN } = this.config;
    const options = { keepAlive: true, maxSockets: MAX_SOCKETS, ...this.tls };
    return FCM_ORIGIN === undefined
      ? new HttpsAgent(options)
      : new FixedHostAgent(new URL(FCM_ORIGIN), options);
  }
}

/** The entry of the registry (../registry.ts). */
export const fcm: PushProviderDefinition = {
  name: 'fcm',
  addressKinds: ['fcm_token', 'fcm_fid'],
  perMinute: (config) => config.FCM_PER_MINUTE,
  create: (config) => FcmProvider.create(config),
};

/** Connects to one host, whatever host the request names. */
class FixedHostAgent extends HttpsAgent {
  private readonly target: { host: string; servername: string; port: number };

  constructor({ hostname, port }: URL, options: AgentOptions) {
    super(options);
    this.target = { host: hostname, servername: hostname, port: Number(port || 443) };
  }

  override createConnection(
    ...[options, callback]: Parameters<HttpsAgent['createConnection']>
  ): ReturnType<HttpsAgent['createConnection']> {
    return super.createConnection({ ...options, ...this.target }, callback);
  }
}

/** FCM_ORIGIN replaces Google's own token endpoint too. An endpoint elsewhere, which the credentials name, stays. */
function tokenEndpoint(uri: string, fcmOrigin: string | undefined): URL {
  const url = new URL(uri);
  return fcmOrigin !== undefined && GOOGLE_HOST.test(url.hostname) ? new URL(url.pathname, fcmOrigin) : url;
}

/**
 * The library retries a 503 after its Retry-After, long after our timeout: the device would get the push twice, and the queue would never
 * learn when to try again. There is no setting for it. (A contract test counts the requests.)
 */
function withoutRetries(messaging: Messaging): Messaging {
  const handler: unknown = Reflect.get(messaging, 'messagingRequestHandler');
  const client: unknown = handler && Reflect.get(handler, 'httpClient');
  if (!client || !Reflect.has(client, 'retry'))
    throw new Error('this firebase-admin keeps its retries elsewhere');
  Reflect.set(client, 'retry', undefined);
  return messaging;
}

const isUnauthenticated = (result: SendResult): boolean =>
  result.is === 'misconfigured' && result.reason === 'UNAUTHENTICATED';

function tokenErrorResult(error: unknown): SendResult {
  if (!(error instanceof AccessTokenError)) return networkErrorResult(error);
  const { isTemporary, status, code } = error;
  if (isTemporary) return retry(`token_endpoint_${status}`);
  return misconfigured(code ?? `token_endpoint_${status}`);
}

/** The library's error when FCM responded. */
interface HttpResponseError {
  readonly httpResponse: {
    readonly status: number;
    readonly headers: Record<string, unknown>;
    readonly data: unknown;
  };
}

function sendErrorResult(error: unknown): SendResult {
  if (!hasResponse(error)) return networkErrorResult(error);
  const { status, headers, data } = error.httpResponse;
  const { code, fields } = parseFcmError(data);
  return toFcmResult({
    status,
    code,
    namesAddress: fields.some((field) => field === 'message.token' || field === 'message.fid'),
    retryAfterMs: retryAfterMs(headers['retry-after'], Date.now()),
  });
}

const hasResponse = (error: unknown): error is HttpResponseError =>
  typeof error === 'object' && error !== null && 'httpResponse' in error && Boolean(error.httpResponse);
