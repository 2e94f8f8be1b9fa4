import { ApnsClient, ApnsError, Notification } from 'apns2';
import { Pool } from 'undici';
import type { Config } from '../../../platform/config/config.js';
import { withTimeout } from '../../../platform/scheduling/timeout.js';
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
const CONNECT_TIMEOUT_MS = 5_000;
/** Shorter than the timeout around the provider, so that a stream without a response is given back to the pool. */
const RESPONSE_TIMEOUT_MS = 8_000;
/** A connection that does not respond to a ping within this is dead. */
const PING_TIMEOUT_MS = 2_000;

/** How the push service is reached. */
interface ApnsConnection {
  readonly origin: string;
  /** Certificates in PEM to trust besides the usual ones. */
  readonly ca: string | undefined;
  readonly responseTimeoutMs: number;
}

/**
 * Apple Push Notification service: HTTP/2 by apns2, which signs a provider token and keeps it for 55 minutes (Apple: 20 to 60). Its
 * connection pool is replaced by ours, since it supports no other port, no other certificate authority and no timeout.
 */
export class ApnsProvider implements PushProvider {
  private readonly tls;
  /** Pools that finish what they carry. */
  private readonly retiring = new Set<Promise<void>>();
  private checking: Promise<void> | undefined;

  private constructor(
    private readonly client: ApnsClient,
    private readonly connection: ApnsConnection,
  ) {
    this.tls = tlsOptions(connection.ca);
    this.replacePool();
  }

  /** Returns undefined when the credentials are not set. */
  static create(config: Config, responseTimeoutMs = RESPONSE_TIMEOUT_MS): ApnsProvider | undefined {
    const { APNS_KEY: signingKey, APNS_KEY_ID: keyId, APNS_TEAM_ID: team, APNS_TOPIC: defaultTopic } = config;
    if (!signingKey || !keyId || !team || !defaultTopic) return undefined;
    const { APNS_ORIGIN: origin = APPLE_ORIGIN, PUSH_CA_FILE: ca } = config;
    const client = new ApnsClient({ signingKey, keyId, team, defaultTopic });
    return new ApnsProvider(client, { origin, ca, responseTimeoutMs });
  }

  upstreamOf(): string {
    return 'apns';
  }

  async send(message: PushMessage): Promise<SendResult> {
    if (message.to.kind !== 'apns') return rejected('other_vendor');
    const notification = toApnsNotification(message);
    if (!(notification instanceof Notification)) return notification;
    try {
      await this.client.send(notification);
      return DELIVERED;
    } catch (error) {
      if (error instanceof ApnsError) return toApnsResult(error.statusCode, error.reason, error.timestamp);
      const result = networkErrorResult(error);
      if (result.is !== 'retry') return result;
      if (result.reason === 'deadline') this.checkConnections();
      return result.reason.startsWith('FAST_JWT') ? misconfigured('signing_key') : result;
    }
  }

  async close(): Promise<void> {
    await this.checking;
    await this.client.destroy();
    await Promise.all(this.retiring);
  }

  private createPool(): Pool {
    const { origin, responseTimeoutMs } = this.connection;
    return new Pool(new URL(origin).origin, {
      allowH2: true,
      connections: 2,
      pipelining: 100,
      maxConcurrentStreams: 100,
      headersTimeout: responseTimeoutMs,
      bodyTimeout: responseTimeoutMs,
      connect: { timeout: CONNECT_TIMEOUT_MS, ...this.tls },
    });
  }

  /**
   * A push without a response may have met a connection that leads nowhere (a firewall forgot it, a route vanished). TCP notices after a
   * quarter of an hour, and until then every push on it would be lost. So all connections are pinged; if one does not respond, the pool is
   * replaced.
   */
  private checkConnections(): void {
    this.checking ??= withTimeout(PING_TIMEOUT_MS, this.client.ping())
      .catch(() => this.replacePool())
      .then(() => (this.checking = undefined));
  }

  /** The old pool ends once what it carries has ended. */
  private replacePool(): void {
    const old: Pool = this.client.client;
    Object.assign(this.client, { client: this.createPool() });
    const closed = withTimeout(this.connection.responseTimeoutMs, old.close())
      .catch(() => old.destroy())
      .then(() => void this.retiring.delete(closed));
    this.retiring.add(closed);
  }
}

/** The entry of the registry (../registry.ts). */
export const apns: PushProviderDefinition = {
  name: 'apns',
  addressKinds: ['apns'],
  throttlesBackground: true,
  perMinute: (config) => config.APNS_PER_MINUTE,
  create: (config) => ApnsProvider.create(config),
};
