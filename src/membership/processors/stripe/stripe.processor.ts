import { Inject, Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { z } from 'zod';
import { plainText } from '../../../platform/http/text.schema.js';
import { CONFIG, type Config } from '../../../platform/config/config.js';
import { Problem } from '../../../platform/http/problem.js';
import type {
  WebhookHeaders,
  Processor,
  ProcessorClient,
  VerifiedWebhook,
  ProcessorUpdate,
} from '../processor.js';
import { StripeClient } from './stripe.client.js';
import { mapStripeEvent } from './stripe.mapper.js';

/** What every event has; seconds beyond these are no instant. */
const anyEvent = z.object({
  id: plainText(255).min(1),
  type: plainText(255),
  created: z.int().min(0).max(253_402_300_799),
});
/** What is read of a subscription's event: an object of another shape is understood no more than another type. */
const seconds = z.number().min(0).max(253_402_300_799).nullish();
const subscriptionEvent = anyEvent.extend({
  type: z.string().startsWith('customer.subscription.'),
  data: z.object({
    object: z.object({
      id: z.string().min(1),
      status: z.string(),
      metadata: z.object({ userId: z.unknown() }).partial().nullish(),
      cancel_at: seconds,
      ended_at: seconds,
      items: z.object({
        data: z.array(z.object({ price: z.object({ id: z.string() }), current_period_end: seconds })),
      }),
    }),
  }),
});
const otherEvent = anyEvent.extend({
  type: z.string().regex(/^(?!customer\.subscription\.)/),
  data: z.object({ object: z.looseObject({}) }),
});
const understood = z.union([subscriptionEvent, otherEvent]);

/** Stripe's own default, in both directions: its library accepts any instant in the future. */
const TOLERANCE_SECONDS = 300;

/** Verifies with Stripe's own library. Several secrets may be set while one is rotated. */
@Injectable()
export class StripeProcessor implements Processor {
  readonly name = 'stripe';

  readonly api: ProcessorClient | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    const { STRIPE_API_KEY: key, STRIPE_API_BASE: base } = config;
    this.api = key === undefined ? undefined : new StripeClient(key, base);
  }

  verify(body: Buffer, headers: WebhookHeaders): VerifiedWebhook {
    const secrets = this.config.STRIPE_WEBHOOK_SECRET;
    if (secrets.length === 0) throw new Problem('not_configured', 'STRIPE_WEBHOOK_SECRET is not set.');
    const signature = headers['stripe-signature'];
    if (typeof signature !== 'string')
      throw new Problem('signature_invalid', 'The header Stripe-Signature is missing.');
    const event = firstThatFits(secrets, (secret) =>
      Stripe.webhooks.constructEvent(body, signature, secret, TOLERANCE_SECONDS),
    );
    if (timestampOf(signature) > Date.now() / 1_000 + TOLERANCE_SECONDS) throw new Problem('signature_stale');
    const { success, data } = anyEvent.safeParse(event);
    if (!success) throw new Problem('invalid_request', 'This is no event.');
    return {
      eventId: data.id,
      type: data.type,
      createdAt: new Date(data.created * 1_000),
      payload: body.toString('utf8'),
    };
  }

  read(payload: unknown): ProcessorUpdate {
    return understood.safeParse(payload).success
      ? mapStripeEvent(payload as Stripe.Event)
      : { about: 'other', reason: 'not_understood' };
  }
}

function firstThatFits(
  secrets: readonly string[],
  construct: (secret: string) => Stripe.Event,
): Stripe.Event {
  let refusal = new Problem('signature_invalid');
  for (const secret of secrets) {
    try {
      return construct(secret);
    } catch (error) {
      if (error instanceof SyntaxError) throw new Problem('malformed_json');
      // The library tells a stale timestamp only by its words.
      if (error instanceof Error && /tolerance/i.test(error.message))
        refusal = new Problem('signature_stale');
    }
  }
  throw refusal;
}

const timestampOf = (signature: string): number => Number(/(?:^|,)\s*t=(\d+)/.exec(signature)?.[1] ?? 0);
