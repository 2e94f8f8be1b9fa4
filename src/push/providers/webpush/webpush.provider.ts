import { LRUCache } from 'lru-cache';
import { request } from 'undici';
import webPush from 'web-push';
import type { Config } from '../../../platform/config/config.js';
import type { ProviderClient } from '../guarded.provider.js';
import { retryAfterMs } from '../retry-after.js';
import type { PushAddress, PushMessage, SendResult } from '../push-provider.js';
import { SsrfSafeAgent } from './ssrf-safe-agent.js';
import { type PushService, pushServiceOf } from './endpoint.js';
import { toHeaders, MAX_PLAIN_BYTES, toPayload } from './webpush-request.js';
import { toWebPushResult } from './webpush-result.js';

const ENCODING = 'aes128gcm';
/** A signature is good for 12 hours (RFC 8292: 24 at most) and used for 6: signing each push would double its cost. */
const SIGNED_SECONDS = 12 * 3_600;
const REUSED_MS = 6 * 3_600_000;
const MAX_ORIGINS = 100;
const MAX_ANSWER_BYTES = 64 * 1024;

export type WebPushConfig = Pick<
  Config,
  'VAPID_SUBJECT' | 'VAPID_PUBLIC_KEY' | 'VAPID_PRIVATE_KEY' | 'WEBPUSH_HOSTS' | 'PUSH_CA_FILE'
>;
type Keys = Extract<PushAddress, { kind: 'webpush' }>['keys'];

/**
 * Web Push: web-push encrypts and signs, the request is ours. The library's own would read an answer of any length, parse the
 * endpoint with another parser than the one that checked it, and could not be given up at a deadline.
 */
export class WebPushProvider implements ProviderClient {
  readonly name = 'webpush';
  private readonly agent: SsrfSafeAgent;
  private readonly signatures = new LRUCache<string, string>({ max: MAX_ORIGINS, ttl: REUSED_MS });

  constructor(private readonly config: WebPushConfig) {
    this.agent = new SsrfSafeAgent(config.PUSH_CA_FILE);
  }

  get configured(): boolean {
    return this.config.VAPID_PRIVATE_KEY !== undefined;
  }

  /** Mozilla's outage is not Google's. What no entry lets in shares one lane, and costs nothing there. */
  lane({ to }: PushMessage): string {
    return pushServiceOf(to.address, this.config.WEBPUSH_HOSTS)?.entry ?? 'refused';
  }

  async send(message: PushMessage, signal: AbortSignal): Promise<SendResult> {
    const { to } = message;
    if (to.kind !== 'webpush') return { is: 'sender_fault', reason: 'other_vendor' };
    const service = pushServiceOf(to.address, this.config.WEBPUSH_HOSTS);
    if (!service) return { is: 'sender_fault', reason: 'endpoint_not_allowed' };
    const plain = Buffer.from(toPayload(message));
    if (plain.length > MAX_PLAIN_BYTES) return { is: 'sender_fault', reason: 'payload_too_large' };
    const body = sealed(plain, to.keys);
    if (!body) return { is: 'gone', since: undefined, reason: 'bad_keys' };
    return this.post(service, { ...toHeaders(message, Date.now()), ...this.signed(service) }, body, signal);
  }

  close(): Promise<void> {
    return this.agent.close();
  }

  private async post(
    { url, isNamed }: PushService,
    headers: Record<string, string>,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<SendResult> {
    const answer = await request(url, {
      method: 'POST',
      headers: { ...headers, 'content-encoding': ENCODING, 'content-type': 'application/octet-stream' },
      body,
      signal,
      dispatcher: isNamed ? this.agent.anywhere : this.agent.publicOnly,
    });
    // Read to its end, so that the connection serves the next push; what it says, the status says too.
    await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal }).catch(() => undefined);
    return toWebPushResult(answer.statusCode, retryAfterMs(answer.headers['retry-after'], Date.now()));
  }

  private signed({ url: { origin } }: PushService): Record<string, string> {
    const known = this.signatures.get(origin);
    if (known !== undefined) return { authorization: known };
    const { VAPID_SUBJECT = '', VAPID_PUBLIC_KEY = '', VAPID_PRIVATE_KEY = '' } = this.config;
    const { Authorization: authorization } = webPush.getVapidHeaders(
      origin,
      VAPID_SUBJECT,
      VAPID_PUBLIC_KEY,
      VAPID_PRIVATE_KEY,
      ENCODING,
      Math.floor(Date.now() / 1_000) + SIGNED_SECONDS,
    );
    this.signatures.set(origin, authorization);
    return { authorization };
  }
}

/** Encrypted for one browser, or undefined when its keys are none: it has to subscribe anew. */
function sealed(plain: Buffer, { p256dh, auth }: Keys): Buffer | undefined {
  try {
    return webPush.encrypt(p256dh, auth, plain, ENCODING).cipherText;
  } catch {
    return undefined;
  }
}
