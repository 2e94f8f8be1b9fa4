import type { IncomingHttpHeaders } from 'node:http';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { Problem } from '../http/problem.js';

/** What the headers of a verified webhook say. */
export interface StandardWebhookHeaders {
  readonly id: string;
  /** When it was signed, in seconds since 1970, as text. */
  readonly timestamp: string;
}

/** Verifies webhooks that are signed as https://www.standardwebhooks.com specifies, with that project's library. */
export class StandardWebhookVerifier {
  private readonly keys: readonly Webhook[];

  /** While a secret is rotated, both the old and the new one are valid. */
  constructor(secrets: readonly string[]) {
    this.keys = secrets.map((secret) => new Webhook(secret));
  }

  /** Whether there is a secret. */
  get isConfigured(): boolean {
    return this.keys.length > 0;
  }

  /** Throws Problem signature_invalid or signature_stale. */
  verify(body: Buffer, headers: IncomingHttpHeaders): StandardWebhookHeaders {
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers;
    if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') {
      throw new Problem(
        'signature_invalid',
        'webhook-id, webhook-timestamp and webhook-signature are needed, each once.',
      );
    }
    const signed = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    let problem: Problem | undefined;
    for (const key of this.keys) {
      try {
        key.verify(body, signed, { jsonParse: false });
        return { id, timestamp };
      } catch (error) {
        // The library reports a stale timestamp only in its error message.
        const isStale = error instanceof WebhookVerificationError && /timestamp too/.test(error.message);
        problem = new Problem(isStale ? 'signature_stale' : 'signature_invalid');
      }
    }
    throw problem ?? new Problem('signature_invalid');
  }
}
