import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { StandardWebhookVerifier } from '../../platform/crypto/standard-webhook-verifier.js';
import { Problem } from '../../platform/http/problem.js';
import { parse } from '../../platform/http/validation.js';
import { messageReport } from './inbound.schema.js';
import { MessageReportsService } from './message-reports.service.js';

/** Reads reports that are signed as Standard Webhooks. */
@Injectable()
export class SignedReportsService {
  private readonly verifier: StandardWebhookVerifier;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly reports: MessageReportsService,
  ) {
    this.verifier = new StandardWebhookVerifier(config.MESSAGE_WEBHOOK_SECRET);
  }

  /** Returns whether the report changed anything. Throws Problem signature_invalid, signature_stale, malformed_json, invalid_request. */
  async receive(body: Buffer, headers: IncomingHttpHeaders): Promise<boolean> {
    if (!this.verifier.isConfigured)
      throw new Problem('not_configured', 'MESSAGE_WEBHOOK_SECRET is not set.');
    this.verifier.verify(body, headers);
    const { messageId, providerId, state, reason = state } = parse(messageReport, parseJson(body));
    const stops = state === 'bounced' || state === 'complained' ? state : undefined;
    // Who complains has got the mail: it stays delivered, and nothing more goes there.
    const outcome = state === 'bounced' ? 'failed' : state === 'complained' ? 'delivered' : state;
    return this.reports.apply(
      { messageId, state: outcome, reason, providerId: providerId ?? messageId, providers: ['smtp', 'http'] },
      stops,
    );
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Problem('malformed_json');
  }
}
