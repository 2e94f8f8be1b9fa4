import { Inject, Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { OwnApiClient } from '../own-api.client.js';
import type { SentRequest } from '../sent-request.js';
import type { FakeStripeEvent } from './fake-stripe.js';
import { sampleEvent, type StripeEvent } from './stripe-event.js';

/** A webhook that was sent, with its response. */
export interface SentWebhook extends SentRequest {
  readonly id: string;
  readonly type: string;
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
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const request = { method: 'POST', path: '/v1/webhooks/stripe', headers, body: payload } as const;
    const { status, ms, text } = await this.api.send({
      ...request,
      headers: { ...headers, 'stripe-signature': signature },
    });
    return { ...request, id, type, authorizedBy: 'stripe_signature', status, ms, response: text };
  }
}
