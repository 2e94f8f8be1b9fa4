import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { CONFIG, type Config } from '../../../platform/config/config.js';
import { Problem } from '../../../platform/http/problem.js';
import { plainText } from '../../../platform/http/text.schema.js';
import {
  parseWebhookJson,
  type Processor,
  type ProcessorUpdate,
  type VerifiedWebhook,
  type WebhookHeaders,
} from '../processor.js';
import { GoogleClient } from './google.client.js';
import { mapGoogleNotification } from './google.mapper.js';

const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
const KEYS_TIMEOUT_MS = 3_000;

/** The body of a Pub/Sub push request. */
const pushRequest = z.object({
  message: z.object({
    data: z.base64(),
    messageId: plainText(255).min(1),
    publishTime: z.iso.datetime({ offset: true }),
  }),
});

/**
 * Real-time developer notifications of Google Play: a Pub/Sub push with a bearer token, which Google signed for the service account and
 * the audience of our Pub/Sub subscription. It only names the purchase that changed; the purchase itself is fetched from the API.
 */
@Injectable()
export class GoogleProcessor implements Processor, OnApplicationShutdown {
  readonly api: GoogleClient | undefined;
  private readonly keys: ReturnType<typeof createRemoteJWKSet>;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    const { GOOGLE_PACKAGE_NAME: app, GOOGLE_SERVICE_ACCOUNT_KEY: account, GOOGLE_API_BASE: base } = config;
    const isComplete = config.GOOGLE_PUBSUB_AUDIENCE && config.GOOGLE_PUBSUB_SERVICE_ACCOUNT;
    if (app && account && isComplete)
      this.api = new GoogleClient({ app, base, account, perMinute: config.GOOGLE_PER_MINUTE });
    this.keys = createRemoteJWKSet(new URL(config.GOOGLE_JWKS_URL), { timeoutDuration: KEYS_TIMEOUT_MS });
  }

  async verify(body: Buffer, { authorization }: WebhookHeaders): Promise<VerifiedWebhook> {
    if (!this.api) {
      throw new Problem(
        'not_configured',
        'GOOGLE_PACKAGE_NAME, GOOGLE_PUBSUB_AUDIENCE, GOOGLE_PUBSUB_SERVICE_ACCOUNT and GOOGLE_SERVICE_ACCOUNT_KEY are needed.',
      );
    }
    const token = typeof authorization === 'string' ? /^Bearer (\S+)$/i.exec(authorization)?.[1] : undefined;
    if (token === undefined)
      throw new Problem('signature_invalid', 'The bearer token of Pub/Sub is missing.');
    await this.verifyToken(token);
    const { success, data } = pushRequest.safeParse(parseWebhookJson(body.toString('utf8')));
    if (!success) throw new Problem('invalid_request', 'This is no push of Pub/Sub.');
    const { messageId, publishTime, data: encoded } = data.message;
    const payload = Buffer.from(encoded, 'base64').toString('utf8');
    const { type } = mapGoogleNotification(parseWebhookJson(payload), this.config.GOOGLE_PACKAGE_NAME);
    return { eventId: messageId, type, createdAt: new Date(publishTime), payload };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.api?.close();
  }

  read(payload: unknown): ProcessorUpdate {
    return mapGoogleNotification(payload, this.config.GOOGLE_PACKAGE_NAME).update;
  }

  /** Throws Problem signature_invalid, signature_stale, unavailable. */
  private async verifyToken(token: string): Promise<void> {
    const { GOOGLE_PUBSUB_AUDIENCE: audience = '', GOOGLE_PUBSUB_SERVICE_ACCOUNT: account } = this.config;
    const { payload } = await jwtVerify(token, this.keys, {
      issuer: ISSUERS,
      audience,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'email'],
      clockTolerance: 5,
    }).catch(throwProblem);
    if (payload.email !== account || payload.email_verified !== true)
      throw new Problem('signature_invalid', 'The token is of another account.');
  }
}

/** Throws the Problem for a token that could not be verified. */
function throwProblem(error: unknown): never {
  if (error instanceof errors.JWTExpired) throw new Problem('signature_stale');
  if (error instanceof errors.JWKSNoMatchingKey) throw new Problem('signature_invalid');
  // Without Google's keys the token can be neither accepted nor refused; Pub/Sub sends it again.
  const isAboutKeys = error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid;
  if (isAboutKeys || !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC')
    throw new Problem('unavailable', 'Google’s keys could not be read.', { retryAfterMs: 5_000 });
  throw new Problem('signature_invalid');
}
