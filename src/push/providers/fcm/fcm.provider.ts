import type { Config } from '../../../platform/config/config.js';
import {
  AccessTokenError,
  GoogleAccessTokenClient,
} from '../../../platform/google/google-access-token.client.js';
import type { FirebaseServiceAccount } from '../../../platform/google/service-account.js';
import { parseJson } from '../../../platform/parse-json.js';
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
import { Http2Client, type Http2Response } from '../../../platform/sending/http2.client.js';
import { tlsOptions } from '../../../platform/sending/tls.js';
import { toFcmMessage } from './fcm-message.js';
import { parseFcmError } from './fcm-response.schema.js';
import { toFcmResult } from './fcm-result.js';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GOOGLE_ORIGIN = 'https://fcm.googleapis.com';
const GOOGLE_HOST = /(^|\.)googleapis\.com$/;

/**
 * Firebase Cloud Messaging, v1 API, over HTTP/2 sessions that are kept open. firebase-admin cannot keep one, and retries by itself
 * (docs/decisions/push-over-http2.md); a contract test compares what is sent with what it would send.
 */
export class FcmProvider implements PushProvider {
  private readonly http2: Http2Client;
  private readonly tokens: GoogleAccessTokenClient;
  private readonly path: string;

  private constructor(account: FirebaseServiceAccount, config: Pick<Config, 'FCM_ORIGIN' | 'PUSH_CA_FILE'>) {
    const tls = tlsOptions(config.PUSH_CA_FILE);
    this.path = `/v1/projects/${encodeURIComponent(account.project_id)}/messages:send`;
    this.http2 = new Http2Client(config.FCM_ORIGIN ?? GOOGLE_ORIGIN, tls);
    this.tokens = new GoogleAccessTokenClient(account, {
      scope: SCOPE,
      endpoint: tokenEndpoint(account.token_uri, config.FCM_ORIGIN),
      secureContext: tls.secureContext,
    });
  }

  /** Returns undefined when the credentials are not set. */
  static create(config: Config): FcmProvider | undefined {
    return config.FCM_CREDENTIALS && new FcmProvider(config.FCM_CREDENTIALS, config);
  }

  upstreamOf(): string {
    return 'fcm';
  }

  async send(message: PushMessage, signal: AbortSignal): Promise<SendResult> {
    if (message.to.kind !== 'fcm_token' && message.to.kind !== 'fcm_fid') return rejected('other_vendor');
    const fcmMessage = toFcmMessage(message, Date.now());
    if ('is' in fcmMessage) return fcmMessage;
    const body = JSON.stringify({ message: fcmMessage });
    const result = await this.sendOnce(body, signal);
    // The access token was revoked before it expired: with a new one the same push is good.
    return isUnauthenticated(result) ? this.sendOnce(body, signal) : result;
  }

  async close(): Promise<void> {
    this.http2.close();
    await this.tokens.close();
  }

  private async sendOnce(body: string, signal: AbortSignal): Promise<SendResult> {
    let token: string;
    try {
      token = await this.tokens.get();
    } catch (error) {
      return tokenErrorResult(error);
    }
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const result = resultOf(await this.http2.post(this.path, headers, body, signal));
    if (isUnauthenticated(result)) await this.tokens.invalidate(token);
    return result;
  }
}

/** The entry of the registry (../registry.ts). */
export const fcm: PushProviderDefinition = {
  name: 'fcm',
  addressKinds: ['fcm_token', 'fcm_fid'],
  perMinute: (config) => config.FCM_PER_MINUTE,
  fixes: {
    SENDER_ID_MISMATCH:
      'The address belongs to another Firebase project: FCM_CREDENTIALS must be of the project that the app is built with.',
    THIRD_PARTY_AUTH_ERROR:
      'Firebase cannot sign in to APNs or to the browser’s push service: upload the APNs key, or the web push certificate, in the Firebase console.',
    invalid_grant:
      'Google refuses FCM_CREDENTIALS: the service account’s key was deleted, or this machine’s clock is wrong.',
    UNAUTHENTICATED:
      'Google refuses FCM_CREDENTIALS: the service account’s key was deleted, or it is of another account.',
    PERMISSION_DENIED:
      'The service account of FCM_CREDENTIALS lacks the role Firebase Cloud Messaging API Admin, or the API is not enabled in the project.',
    NOT_FOUND: 'There is no such Firebase project: see project_id in FCM_CREDENTIALS.',
    status_401:
      'Google refuses FCM_CREDENTIALS: the service account’s key was deleted, or it is of another account.',
    status_403:
      'Google, or a proxy before it, forbids the call: see the roles of the service account of FCM_CREDENTIALS.',
  },
  create: (config) => FcmProvider.create(config),
};

/** FCM_ORIGIN replaces Google's own token endpoint too. An endpoint elsewhere, which the credentials name, stays. */
function tokenEndpoint(uri: string, fcmOrigin: string | undefined): URL {
  const url = new URL(uri);
  return fcmOrigin !== undefined && GOOGLE_HOST.test(url.hostname) ? new URL(url.pathname, fcmOrigin) : url;
}

const isUnauthenticated = (result: SendResult): boolean =>
  result.is === 'misconfigured' && result.reason === 'UNAUTHENTICATED';

function tokenErrorResult(error: unknown): SendResult {
  if (!(error instanceof AccessTokenError)) return networkErrorResult(error);
  const { isTemporary, status, code } = error;
  if (isTemporary) return retry(`token_endpoint_${status}`);
  return misconfigured(code ?? `token_endpoint_${status}`);
}

/** A 200 that is not JSON is not FCM's: something on the way wrote it, and it is no sign that FCM has the push. */
function resultOf({ status, headers, body }: Http2Response): SendResult {
  if (status === 200 && headers['content-type']?.startsWith('application/json')) return DELIVERED;
  const { code, fields } = parseFcmError(parseJson(body));
  return toFcmResult({
    status,
    code,
    namesAddress: fields.some((field) => field === 'message.token' || field === 'message.fid'),
    retryAfterMs: retryAfterMs(headers['retry-after'], Date.now()),
  });
}
