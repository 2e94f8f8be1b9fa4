import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { CONFIG, type Config } from '../../../platform/config/config.js';
import { StandardWebhookVerifier } from '../../../platform/crypto/standard-webhook-verifier.js';
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

/** In-house billing, or any sender that signs as https://www.standardwebhooks.com specifies. */
@Injectable()
export class StandardProcessor implements Processor {
  private readonly verifier: StandardWebhookVerifier;

  constructor(@Inject(CONFIG) config: Config) {
    this.verifier = new StandardWebhookVerifier(config.STANDARD_WEBHOOK_SECRET);
  }

  verify(body: Buffer, headers: WebhookHeaders): VerifiedWebhook {
    if (!this.verifier.isConfigured)
      throw new Problem('not_configured', 'STANDARD_WEBHOOK_SECRET is not set.');
    const { id, timestamp } = this.verifier.verify(body, headers);
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
