import { LRUCache } from 'lru-cache';
import { request } from 'undici';
import webPushLibrary from 'web-push';
import type { PushAddress } from '../../../devices/push-address.schema.js';
import type { Config } from '../../../platform/config/config.js';
import type { PushMessage } from '../push-message.js';
import type { PushProvider, PushProviderDefinition } from '../push-provider.js';
import {
  rejected,
  retryAfterMs,
  type SendResult,
  unregistered,
} from '../../../platform/sending/send-result.js';
import { type PushService, pushServiceOf } from './push-service.js';
import { SsrfSafeAgent } from './ssrf-safe-agent.js';
import { MAX_PLAINTEXT_BYTES, toHeaders, toPayload } from './webpush-request.js';
import { toWebPushResult } from './webpush-result.js';

const ENCODING = 'aes128gcm';
/** A VAPID signature is valid for 12 hours (RFC 8292: 24 at most) and used for 6. To sign each push would double its cost. */
const SIGNATURE_SECONDS = 12 * 3_600;
const SIGNATURE_REUSE_MS = 6 * 3_600_000;
const MAX_SIGNATURES = 100;
const MAX_RESPONSE_BYTES = 64 * 1024;

type EncryptionKeys = Extract<PushAddress, { kind: 'webpush' }>['keys'];

/** How the operator identifies to push services. */
interface Vapid {
  readonly subject: string;
  readonly publicKey: string;
  readonly privateKey: string;
}

/**
 * Web Push: web-push encrypts and signs, the request is ours. The library's own request reads a response of any length, parses the
 * endpoint with another parser than the check, and cannot be aborted.
 */
export class WebPushProvider implements PushProvider {
  private readonly agent: SsrfSafeAgent;
  /** Authorization headers by the origin of the push service. */
  private readonly signatures = new LRUCache<string, string>({
    max: MAX_SIGNATURES,
    ttl: SIGNATURE_REUSE_MS,
  });

  private constructor(
    private readonly vapid: Vapid,
    private readonly config: Pick<Config, 'WEBPUSH_HOSTS' | 'PUSH_CA_FILE'>,
  ) {
    this.agent = new SsrfSafeAgent(config.PUSH_CA_FILE);
  }

  /** Returns undefined when the VAPID keys are not set. */
  static create(config: Config): WebPushProvider | undefined {
    const { VAPID_SUBJECT: subject, VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey } = config;
    if (!subject || !publicKey || !privateKey) return undefined;
    return new WebPushProvider({ subject, publicKey, privateKey }, config);
  }

  /** The matching entry of the allow list. All endpoints that are refused share one name, and cost nothing. */
  upstreamOf({ to }: PushMessage): string {
    return pushServiceOf(to.address, this.config.WEBPUSH_HOSTS)?.entry ?? 'refused';
  }

  async send(message: PushMessage, signal: AbortSignal): Promise<SendResult> {
    const { to } = message;
    if (to.kind !== 'webpush') return rejected('other_vendor');
    const service = pushServiceOf(to.address, this.config.WEBPUSH_HOSTS);
    if (!service) return rejected('endpoint_not_allowed');
    const plaintext = Buffer.from(toPayload(message));
    if (plaintext.length > MAX_PLAINTEXT_BYTES) return rejected('payload_too_large');
    const body = encrypt(plaintext, to.keys);
    if (!body) return unregistered('bad_keys');
    const headers = { ...toHeaders(message, Date.now()), authorization: this.authorization(service) };
    return this.post(service, headers, body, signal);
  }

  close(): Promise<void> {
    return this.agent.close();
  }

  private async post(
    { url, isListedHost }: PushService,
    headers: Record<string, string>,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<SendResult> {
    const response = await request(url, {
      method: 'POST',
      headers: { ...headers, 'content-encoding': ENCODING, 'content-type': 'application/octet-stream' },
      body,
      signal,
      dispatcher: isListedHost ? this.agent.anywhere : this.agent.publicOnly,
    });
    // The body is read to its end, so that the connection serves the next push. The status holds all that matters.
    await response.body.dump({ limit: MAX_RESPONSE_BYTES, signal }).catch(() => undefined);
    return toWebPushResult(response.statusCode, retryAfterMs(response.headers['retry-after'], Date.now()));
  }

  private authorization({ url: { origin } }: PushService): string {
    const known = this.signatures.get(origin);
    if (known !== undefined) return known;
    const { subject, publicKey, privateKey } = this.vapid;
    const expiresAt = Math.floor(Date.now() / 1_000) + SIGNATURE_SECONDS;
    const { Authorization: authorization } = webPushLibrary.getVapidHeaders(
      origin,
      subject,
      publicKey,
      privateKey,
      ENCODING,
      expiresAt,
    );
    this.signatures.set(origin, authorization);
    return authorization;
  }
}

/** The entry of the registry (../registry.ts). */
export const webPush: PushProviderDefinition = {
  name: 'webpush',
  addressKinds: ['webpush'],
  perMinute: (config) => config.WEBPUSH_PER_MINUTE,
  create: (config) => WebPushProvider.create(config),
};

/** Encrypts for one browser. Returns undefined when its keys are invalid: it has to subscribe again. */
function encrypt(plaintext: Buffer, { p256dh, auth }: EncryptionKeys): Buffer | undefined {
  try {
    return webPushLibrary.encrypt(p256dh, auth, plaintext, ENCODING).cipherText;
  } catch {
    return undefined;
  }
}
