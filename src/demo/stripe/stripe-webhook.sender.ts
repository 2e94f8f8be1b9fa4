import { Inject, Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { OwnApiClient } from '../own-api.client.js';
import type { FakeStripeEvent } from './fake-stripe.js';
import { sampleEvent, type StripeEvent } from './stripe-event.js';

/** A webhook that was sent, with the status of the response and the time until it came. */
export interface SentWebhook {
  readonly id: string;
  readonly type: string;
  readonly status: number;
  readonly ms: number;
}

/** Signs webhooks with Stripe's own library and posts them to this node's webhook endpoint, as Stripe would. */
@Injectable()
export class StripeWebhookSender {
  constructor(
    private readonly api: OwnApiClient,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** `created` is in seconds since 1970. Throws Problem not_configured without a webhook secret. */
  async send(id: string, created: number, { type, object, previous }: FakeStripeEvent): Promise<SentWebhook> {
    const [secret] = this.config.STRIPE_WEBHOOK_SECRET;
    if (secret === undefined) {
      throw new Problem(
        'not_configured',
        'The page signs its webhooks with STRIPE_WEBHOOK_SECRET, which is not set.',
      );
    }
    const event: StripeEvent = {
      ...sampleEvent(type, created),
      id,
      data: { object, ...(previous && { previous_attributes: previous }) },
    };
    const payload = JSON.stringify(event);
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret });
    const headers = { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature };
    const { status, ms } = await this.api.send('POST', '/v1/webhooks/stripe', payload, headers);
    return { id, type, status, ms };
  }
}
