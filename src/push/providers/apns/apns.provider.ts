import { ApnsClient, ApnsError, Notification } from 'apns2';
import { Pool } from 'undici';
import type { Config } from '../../../platform/config/config.js';
import { withTimeout } from '../../../platform/scheduling/timeout.js';
import type { ProviderClient } from '../guarded.provider.js';
import { tlsOptions } from '../tls.js';
import { networkErrorResult } from '../network-error.js';
import type { PushMessage, SendResult } from '../push-provider.js';
import { toApnsNotification } from './apns-notification.js';
import { toApnsResult } from './apns-result.js';

const APPLE = 'https://api.push.apple.com';
const CONNECT_MS = 5_000;
/** Shorter than the guard's deadline, so that a stream that is not answered is given back. */
const ANSWER_MS = 8_000;
/** A connection that does not answer a ping in this time is dead. */
const PING_MS = 2_000;

export type ApnsConfig = Pick<
  Config,
  'APNS_KEY' | 'APNS_KEY_ID' | 'APNS_TEAM_ID' | 'APNS_TOPIC' | 'APNS_ORIGIN' | 'PUSH_CA_FILE'
>;

/**
 * Apple's Push Notification service: HTTP/2 by apns2, which signs a provider token and keeps it for 55 minutes (Apple: 20 to 60).
 * Its pool is replaced by our own, since it knows no other port, no other authority and no timeout.
 */
export class ApnsProvider implements ProviderClient {
  readonly name = 'apns';
  private readonly apns: ApnsClient | undefined;
  private readonly tls;
  private readonly retired = new Set<Promise<void>>();
  private probing: Promise<void> | undefined;

  constructor(
    private readonly config: ApnsConfig,
    private readonly answerMs = ANSWER_MS,
  ) {
    const { APNS_KEY: signingKey, APNS_KEY_ID: keyId, APNS_TEAM_ID: team, APNS_TOPIC: defaultTopic } = config;
    this.tls = tlsOptions(config.PUSH_CA_FILE);
    if (!signingKey || !keyId || !team || !defaultTopic) return;
    this.apns = new ApnsClient({ signingKey, keyId, team, defaultTopic });
    this.retire(this.apns.client);
    Object.assign(this.apns, { client: this.pool() });
  }

  get configured(): boolean {
    return this.apns !== undefined;
  }

  lane(): string {
    return this.name;
  }

  async send(message: PushMessage): Promise<SendResult> {
    if (!this.apns || message.to.kind !== 'apns') return { is: 'sender_fault', reason: 'other_vendor' };
    const notification = toApnsNotification(message);
    if (!(notification instanceof Notification)) return notification;
    try {
      await this.apns.send(notification);
      return { is: 'delivered' };
    } catch (error) {
      if (error instanceof ApnsError) return toApnsResult(error.statusCode, error.reason, error.timestamp);
      const verdict = networkErrorResult(error);
      if (verdict.is === 'again' && verdict.reason === 'deadline') this.checkConnections(this.apns);
      return verdict.is === 'again' && verdict.reason.startsWith('FAST_JWT')
        ? { is: 'our_fault', reason: 'signing_key' }
        : verdict;
    }
  }

  async close(): Promise<void> {
    await this.probing;
    await this.apns?.destroy();
    await Promise.all(this.retired);
  }

  private pool(): Pool {
    const { APNS_ORIGIN = APPLE } = this.config;
    return new Pool(new URL(APNS_ORIGIN).origin, {
      allowH2: true,
      connections: 2,
      pipelining: 100,
      maxConcurrentStreams: 100,
      headersTimeout: this.answerMs,
      bodyTimeout: this.answerMs,
      connect: { timeout: CONNECT_MS, ...this.tls },
    });
  }

  /**
   * A push that was not answered may have met a connection that leads nowhere (a firewall forgot it, a route is gone): TCP notices
   * after a quarter of an hour, and until then every push on it would be lost. All connections are pinged; if one keeps silent, the
   * pool is replaced, and the old one ends when what it carries is answered.
   */
  private checkConnections(apns: ApnsClient): void {
    this.probing ??= withTimeout(PING_MS, apns.ping())
      .catch(() => {
        this.retire(apns.client);
        Object.assign(apns, { client: this.pool() });
      })
      .then(() => (this.probing = undefined));
  }

  private retire(pool: Pool): void {
    const ended = withTimeout(this.answerMs, pool.close())
      .catch(() => pool.destroy())
      .then(() => void this.retired.delete(ended));
    this.retired.add(ended);
  }
}
