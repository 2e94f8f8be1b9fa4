import { ApnsClient, ApnsError, Notification } from 'apns2';
import type { Config } from '../../../platform/config/config.js';
import { Http2Client } from '../../../platform/sending/http2.client.js';
import type { PushMessage } from '../push-message.js';
import type { PushProvider, PushProviderDefinition } from '../push-provider.js';
import {
  DELIVERED,
  misconfigured,
  networkErrorResult,
  rejected,
  type SendResult,
} from '../../../platform/sending/send-result.js';
import { tlsOptions } from '../../../platform/sending/tls.js';
import { toApnsNotification } from './apns-notification.js';
import { toApnsResult } from './apns-result.js';

const APPLE_ORIGIN = 'https://api.push.apple.com';

/** A request as apns2 makes it. */
interface ApnsRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Apple Push Notification service. apns2 encodes the notification, signs a provider token, keeps it for 55 minutes (Apple: 20 to 60), and
 * reads the response. Its connection pool is replaced by our HTTP/2 client: the pool supports no other port, no other certificate authority
 * and no timeout, and costs a third more (docs/decisions/push-over-http2.md).
 */
export class ApnsProvider implements PushProvider {
  private readonly http2: Http2Client;
  /** Of the next request. */
  private signal = AbortSignal.abort();

  private constructor(
    private readonly client: ApnsClient,
    { APNS_ORIGIN: origin = APPLE_ORIGIN, PUSH_CA_FILE: ca }: Pick<Config, 'APNS_ORIGIN' | 'PUSH_CA_FILE'>,
  ) {
    this.http2 = new Http2Client(origin, tlsOptions(ca));
    void client.close();
    Object.assign(client, { client: { request: (request: ApnsRequest) => this.request(request) } });
  }

  /** Returns undefined when the credentials are not set. */
  static create(config: Config): ApnsProvider | undefined {
    const { APNS_KEY: signingKey, APNS_KEY_ID: keyId, APNS_TEAM_ID: team, APNS_TOPIC: defaultTopic } = config;
    if (!signingKey || !keyId || !team || !defaultTopic) return undefined;
    return new ApnsProvider(new ApnsClient({ signingKey, keyId, team, defaultTopic }), config);
  }

  upstreamOf(): string {
    return 'apns';
  }

  async send(message: PushMessage, signal: AbortSignal): Promise<SendResult> {
    if (message.to.kind !== 'apns') return rejected('other_vendor');
    const notification = toApnsNotification(message);
    if (!(notification instanceof Notification)) return notification;
    try {
      await this.sendOnce(notification, signal);
      return DELIVERED;
    } catch (error) {
      if (error instanceof ApnsError) return toApnsResult(error.statusCode, error.reason, error.timestamp);
      const result = networkErrorResult(error);
      const isKeyInvalid = result.is === 'retry' && result.reason.startsWith('FAST_JWT');
      return isKeyInvalid ? misconfigured('signing_key') : result;
    }
  }

  async close(): Promise<void> {
    this.http2.close();
  }

  /** apns2 hands no signal on. It makes its request before it waits for anything, so the signal is still this one's. */
  private sendOnce(notification: Notification, signal: AbortSignal): Promise<Notification> {
    this.signal = signal;
    return this.client.send(notification);
  }

  /** What apns2 reads of a response. */
  private async request({ path, headers, body }: ApnsRequest) {
    const response = await this.http2.post(path, headers, body, this.signal);
    return {
      statusCode: response.status,
      body: { json: async () => JSON.parse(response.body) as unknown },
    };
  }
}

/** The entry of the registry (../registry.ts). */
export const apns: PushProviderDefinition = {
  name: 'apns',
  addressKinds: ['apns'],
  throttlesBackground: true,
  perMinute: (config) => config.APNS_PER_MINUTE,
  fixes: {
    ...Object.fromEntries(
      [
        'ExpiredProviderToken',
        'InvalidProviderToken',
        'MissingProviderToken',
        'InvalidSigningKey',
        'Forbidden',
        'UnrelatedKeyIdInToken',
      ].map((reason) => [
        reason,
        'Apple refuses our key: APNS_KEY, APNS_KEY_ID and APNS_TEAM_ID must belong together, the key must not be revoked, and this machine’s clock must be right.',
      ]),
    ),
    ...Object.fromEntries(
      ['BadTopic', 'MissingTopic', 'TopicDisallowed', 'DeviceTokenNotForTopic'].map((reason) => [
        reason,
        'APNS_TOPIC must be the bundle id of the app, and the key must be allowed to send to it.',
      ]),
    ),
    ...Object.fromEntries(
      ['BadCertificateEnvironment', 'BadEnvironmentKeyIdInToken', 'BadEnvironmentKeyInToken'].map(
        (reason) => [
          reason,
          'The key is of the other environment: see whether APNS_KEY is for production or for the sandbox.',
        ],
      ),
    ),
    TooManyProviderTokenUpdates: 'Too many processes share the key: give each installation a key of its own.',
  },
  create: (config) => ApnsProvider.create(config),
};
