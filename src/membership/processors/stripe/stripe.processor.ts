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

/** What every event has. 253402300799 is the last second of the year 9999: later ones have no plain ISO 8601 form. */
const anyEvent = z.object({
  id: plainText(255).min(1),
  type: plainText(255),
  created: z.int().min(0).max(253_402_300_799),
});
/** What is read of a subscription's event; one of another shape is ignored like an unknown type. */
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
const supportedEvent = z.union([subscriptionEvent, otherEvent]);

/** The default of Stripe's library, which only refuses old timestamps; here it holds for future ones too. */
const TOLERANCE_SECONDS = 300;

/** Stripe Billing. Webhooks are verified with Stripe's own library; while a secret is rotated, several are valid. */
@Injectable()
export class StripeProcessor implements Processor {
  readonly api: ProcessorClient | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    const { STRIPE_API_KEY: key, STRIPE_API_BASE: base } = config;
    this.api = key === undefined ? undefined : new StripeClient(key, base, config.STRIPE_PER_SECOND);
  }

  verify(body: Buffer, headers: WebhookHeaders): VerifiedWebhook {
    const secrets = this.config.STRIPE_WEBHOOK_SECRET;
    if (secrets.length === 0) throw new Problem('not_configured', 'STRIPE_WEBHOOK_SECRET is not set.');
    const signature = headers['stripe-signature'];
    if (typeof signature !== 'string')
      throw new Problem('signature_invalid', 'The header Stripe-Signature is missing.');
    const event = verifyWithAny(secrets, (secret) =>
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
    return supportedEvent.safeParse(payload).success
      ? mapStripeEvent(payload as Stripe.Event)
      : { kind: 'unrelated', reason: 'not_understood' };
  }
}

/** Returns the event if any secret verifies it. Throws Problem signature_invalid, signature_stale, malformed_json. */
function verifyWithAny(
  secrets: readonly string[],
  construct: (secret: string) => Stripe.Event,
): Stripe.Event {
  let problem = new Problem('signature_invalid');
  for (const secret of secrets) {
    try {
      return construct(secret);
    } catch (error) {
      if (error instanceof SyntaxError) throw new Problem('malformed_json');
      // The library reports a stale timestamp only in its error message.
      if (error instanceof Error && /tolerance/i.test(error.message))
        problem = new Problem('signature_stale');
    }
  }
  throw problem;
}

const timestampOf = (signature: string): number => Number(/(?:^|,)\s*t=(\d+)/.exec(signature)?.[1] ?? 0);
