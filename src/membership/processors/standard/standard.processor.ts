import { Inject, Injectable } from '@nestjs/common';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
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
import { mapStandardEvent } from './standard.mapper.js';

const anyEvent = z.looseObject({
  type: plainText(255).catch('unknown'),
  timestamp: z.iso.datetime({ offset: true }).optional().catch(undefined),
});
const anyId = plainText(255).min(1);

/** In-house billing, or any sender that signs as https://www.standardwebhooks.com specifies; verified with that project's library. */
@Injectable()
export class StandardProcessor implements Processor {
  private readonly keys: readonly Webhook[];

  constructor(@Inject(CONFIG) config: Config) {
    this.keys = config.STANDARD_WEBHOOK_SECRET.map((secret) => new Webhook(secret));
  }

  verify(body: Buffer, headers: WebhookHeaders): VerifiedWebhook {
    if (this.keys.length === 0) throw new Problem('not_configured', 'STANDARD_WEBHOOK_SECRET is not set.');
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers;
    if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') {
      throw new Problem(
        'signature_invalid',
        'webhook-id, webhook-timestamp and webhook-signature are needed, each once.',
      );
    }
    const signed = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    verifyWithAny(this.keys, body, signed);
    const { success, data } = anyEvent.safeParse(parseWebhookJson(body.toString('utf8')));
    if (!success) throw new Problem('invalid_request', 'This is no event.');
    const { success: isId, data: eventId } = anyId.safeParse(id);
    if (!isId) throw new Problem('invalid_request', 'webhook-id must be text of at most 255 characters.');
    const sentAt = new Date(Number.parseInt(timestamp, 10) * 1_000);
    const createdAt = data.timestamp === undefined ? sentAt : new Date(data.timestamp);
    return { eventId, type: data.type, createdAt, payload: body.toString('utf8') };
  }

  read(payload: unknown): ProcessorUpdate {
    return mapStandardEvent(payload);
  }
}

/** While a secret is rotated, both the old and the new one are valid. Throws Problem signature_invalid, signature_stale. */
function verifyWithAny(keys: readonly Webhook[], body: Buffer, signed: Record<string, string>): void {
  let problem: Problem | undefined;
  for (const key of keys) {
    try {
      key.verify(body, signed, { jsonParse: false });
      return;
    } catch (error) {
      // The library reports a stale timestamp only in its error message.
      const isStale = error instanceof WebhookVerificationError && /timestamp too/.test(error.message);
      problem = new Problem(isStale ? 'signature_stale' : 'signature_invalid');
    }
  }
  throw problem ?? new Problem('signature_invalid');
}
