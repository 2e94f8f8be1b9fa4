import { randomUUID } from 'node:crypto';
import { Agent as HttpsAgent, type AgentOptions } from 'node:https';
import type { App } from 'firebase-admin/app';
import type { Messaging } from 'firebase-admin/messaging';
import type { Config } from '../../../platform/config/config.js';
import {
  AccessTokenError,
  GoogleAccessTokenClient,
} from '../../../platform/google/google-access-token.client.js';
import type { ProviderClient } from '../guarded.provider.js';
import { retryAfterMs } from '../retry-after.js';
import { tlsOptions } from '../tls.js';
import { networkErrorResult } from '../network-error.js';
import type { PushMessage, SendResult } from '../push-provider.js';
import { fcmErrorOf } from './fcm-response.schema.js';
import { toFcmMessage } from './fcm-message.js';
import { toFcmResult } from './fcm-result.js';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const MAX_SOCKETS = 200;
const GOOGLE = /(^|\.)googleapis\.com$/;

export type FcmConfig = Pick<Config, 'FCM_CREDENTIALS' | 'FCM_ORIGIN' | 'PUSH_CA_FILE'>;

interface Running {
  readonly app: App;
  readonly messaging: Messaging;
  end(): Promise<void>;
}

/**
 * Firebase Cloud Messaging, v1 API, by firebase-admin. Three things about it are ours: the access token, so that a broken
 * credential is told apart from a broken network; the address, which the library has no setting for; and trying again, which it does by
 * itself up to four times, unseen and after our deadline. Its verdicts are read from FCM's answer, since the library maps
 * several codes to one.
 */
export class FcmProvider implements ProviderClient {
  readonly name = 'fcm';
  private readonly access: GoogleAccessTokenClient | undefined;
  private readonly tls;
  private token = '';
  private running: Promise<Running> | undefined;

  constructor(private readonly config: FcmConfig) {
    const { FCM_CREDENTIALS: account } = config;
    this.tls = tlsOptions(config.PUSH_CA_FILE);
    if (account)
      this.access = new GoogleAccessTokenClient(account, {
        scope: SCOPE,
        endpoint: tokenEndpoint(account.token_uri, config),
        secureContext: this.tls.secureContext,
      });
  }

  get configured(): boolean {
    return this.access !== undefined;
  }

  lane(): string {
    return this.name;
  }

  async send(message: PushMessage): Promise<SendResult> {
    if (message.to.kind !== 'fcm_token' && message.to.kind !== 'fcm_fid')
      return { is: 'sender_fault', reason: 'other_vendor' };
    const first = await this.attempt(message);
    // An access token that ended before its time: with a new one the same push is good.
    return first.is === 'our_fault' && first.reason === 'UNAUTHENTICATED' ? this.attempt(message) : first;
  }

  async close(): Promise<void> {
    const running = await this.running?.catch(() => undefined);
    await running?.end();
    await this.access?.close();
  }

  private async attempt(message: PushMessage): Promise<SendResult> {
    if (!this.access) return { is: 'our_fault', reason: 'not_configured' };
    const spoken = toFcmMessage(message, Date.now());
    if ('is' in spoken) return spoken;
    try {
      this.token = await this.access.get();
    } catch (error) {
      return tokenErrorResult(error);
    }
    const { token } = this;
    this.running ??= this.start();
    const { messaging } = await this.running;
    try {
      await messaging.send(spoken);
      return { is: 'delivered' };
    } catch (error) {
      const verdict = verdictOf(error);
      if (verdict.is === 'our_fault' && verdict.reason === 'UNAUTHENTICATED')
        await this.access.invalidate(token);
      return verdict;
    }
  }

  /** The library is loaded by those alone who push through FCM. */
  private async start(): Promise<Running> {
    const [{ deleteApp, initializeApp }, { getMessaging }] = await Promise.all([
      import('firebase-admin/app'),
      import('firebase-admin/messaging'),
    ]);
    const agent = this.agent();
    // It asks for the token at each send when the last is about to end, so that ours alone decides.
    const credential = { getAccessToken: () => Promise.resolve({ access_token: this.token, expires_in: 1 }) };
    const projectId = this.config.FCM_CREDENTIALS?.project_id ?? '';
    const app = initializeApp({ projectId, httpAgent: agent, credential }, `usher-${randomUUID()}`);
    const messaging = withoutRetries(getMessaging(app));
    const end = async (): Promise<void> => {
      await deleteApp(app);
      agent.destroy();
    };
    return { app, messaging, end };
  }

  private agent(): HttpsAgent {
    const { FCM_ORIGIN } = this.config;
    const options = { keepAlive: true, maxSockets: MAX_SOCKETS, ...this.tls };
    return FCM_ORIGIN === undefined ? new HttpsAgent(options) : new AgentTo(new URL(FCM_ORIGIN), options);
  }
}

/** Dials one place, whatever the request says. */
class AgentTo extends HttpsAgent {
  private readonly place: { host: string; servername: string; port: number };

  constructor({ hostname, port }: URL, options: AgentOptions) {
    super(options);
    this.place = { host: hostname, servername: hostname, port: Number(port || 443) };
  }

  override createConnection(
    ...[options, callback]: Parameters<HttpsAgent['createConnection']>
  ): ReturnType<HttpsAgent['createConnection']> {
    return super.createConnection({ ...options, ...this.place }, callback);
  }
}

/** Google's own endpoint moves with FCM_ORIGIN; one that the credentials name elsewhere stands. */
function tokenEndpoint(uri: string, { FCM_ORIGIN }: FcmConfig): URL {
  const url = new URL(uri);
  return FCM_ORIGIN !== undefined && GOOGLE.test(url.hostname) ? new URL(url.pathname, FCM_ORIGIN) : url;
}

/**
 * The library tries a 503 again, after what its Retry-After says, while we have answered long since: the device would get the push
 * twice, and the core would never learn when to come back. There is no setting. (A contract test counts the requests.)
 */
function withoutRetries(messaging: Messaging): Messaging {
  const handler: unknown = Reflect.get(messaging, 'messagingRequestHandler');
  const client: unknown = handler && Reflect.get(handler, 'httpClient');
  if (!client || !Reflect.has(client, 'retry'))
    throw new Error('this firebase-admin keeps its retries elsewhere');
  Reflect.set(client, 'retry', undefined);
  return messaging;
}

function tokenErrorResult(error: unknown): SendResult {
  if (!(error instanceof AccessTokenError)) return networkErrorResult(error);
  const { isTemporary, status, code } = error;
  if (isTemporary) return { is: 'again', afterMs: undefined, reason: `token_endpoint_${status}` };
  return { is: 'our_fault', reason: code ?? `token_endpoint_${status}` };
}

interface Answered {
  readonly httpResponse: {
    readonly status: number;
    readonly headers: Record<string, unknown>;
    readonly data: unknown;
  };
}

function verdictOf(error: unknown): SendResult {
  if (!isAnswered(error)) return networkErrorResult(error);
  const { status, headers, data } = error.httpResponse;
  const { code, fields } = fcmErrorOf(data);
  return toFcmResult({
    status,
    code,
    namesAddress: fields.some((field) => field === 'message.token' || field === 'message.fid'),
    retryAfterMs: retryAfterMs(headers['retry-after'], Date.now()),
  });
}

const isAnswered = (error: unknown): error is Answered =>
  typeof error === 'object' && error !== null && 'httpResponse' in error && Boolean(error.httpResponse);
