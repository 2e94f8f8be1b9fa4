import { Inject, Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { OwnApiClient } from '../own-api.client.js';
import type { FakeStripeEvent } from './fake-stripe.js';

const API_VERSION = '2026-10-28.endive';

/** A webhook that was sent, and how it was answered. */
export interface SentWebhook {
  readonly id: string;
  readonly type: string;
  readonly status: number;
  readonly ms: number;
}

/** Signs as Stripe does, with Stripe's own library, and posts to the same door. */
@Injectable()
export class StripeWebhookSender {
  constructor(
    private readonly door: OwnApiClient,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async send(id: string, created: number, { type, object, previous }: FakeStripeEvent): Promise<SentWebhook> {
    const [secret] = this.config.STRIPE_WEBHOOK_SECRET;
    if (secret === undefined) {
      throw new Problem(
        'not_configured',
        'The page signs its webhooks with STRIPE_WEBHOOK_SECRET, which is not set.',
      );
    }
    const payload = JSON.stringify({
      id,
      object: 'event',
      api_version: API_VERSION,
      created,
      data: { object, ...(previous && { previous_attributes: previous }) },
      livemode: false,
      pending_webhooks: 1,
      request: { id: null, idempotency_key: null },
      type,
    });
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret });
    const headers = { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature };
    const { status, ms } = await this.door.send('POST', '/v1/webhooks/stripe', payload, headers);
    return { id, type, status, ms };
  }
}
