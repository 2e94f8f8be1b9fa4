import { createHmac } from 'node:crypto';
import {
  buildEvent as buildStripeEvent,
  type StripeEvent,
  type StripeEventOptions,
  type StripeEventType,
} from '../../../src/demo/stripe/stripe-event.js';
import { call, type HttpReply } from './back-office.js';

export { buildStripeEvent, type StripeEvent, type StripeEventType };

/** Stripe's webhooks: complete event objects with real signatures. */
export interface StripeWebhooks {
  /** Builds an event without sending it. */
  event(type: StripeEventType, options?: StripeEventOptions): StripeEvent;
  /** Signs an event or a raw body and posts it. */
  send(
    event: unknown,
    signing?: { readonly secret?: string; readonly at?: number; readonly signature?: string },
  ): Promise<HttpReply>;
  /** Builds an event and sends it. */
  sendEvent(type: StripeEventType, options?: StripeEventOptions): Promise<HttpReply>;
  /** Signs and posts an event again, as Stripe does, until the reply is 2xx. Returns the number of attempts. */
  deliverWithRetries(event: StripeEvent, deadlineMs?: number): Promise<number>;
}

/** Returns the `Stripe-Signature` header of a payload: https://docs.stripe.com/webhooks#verify-manually */
export function stripeSignature(payload: string, secret: string, at = nowSeconds()): string {
  const hash = createHmac('sha256', secret).update(`${at}.${payload}`).digest('hex');
  return `t=${at},v1=${hash}`;
}

/** Returns the ids of the user's subscription and customer. */
export const subscriptionIds = (userId: string) => ({
  id: `sub_${userId}`,
  userId,
  customer: `cus_${userId}`,
});

/** Returns the current time in seconds, as Stripe counts it. */
export const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

/** Returns Stripe's webhooks to the node at this URL, signed with the secret. */
export function stripeWebhooks(url: string, secret: string): StripeWebhooks {
  const webhooks: StripeWebhooks = {
    event: buildStripeEvent,
    send(event, { secret: other, at, signature } = {}) {
      const payload = typeof event === 'string' ? event : JSON.stringify(event);
      return call(url, undefined, 'POST', '/v1/webhooks/stripe', payload, {
        'stripe-signature': signature ?? stripeSignature(payload, other ?? secret, at),
      });
    },
    sendEvent: (type, options) => webhooks.send(webhooks.event(type, options)),
    async deliverWithRetries(event, deadlineMs = 30_000) {
      const until = Date.now() + deadlineMs;
      for (let attempt = 1; Date.now() < until; attempt += 1) {
        const status = await webhooks.send(event).then(
          (reply) => reply.status,
          () => 0,
        );
        if (status >= 200 && status < 300) return attempt;
        // A 4xx would never become a 2xx: the test is wrong, or the server is.
        if (status >= 400 && status < 500) throw new Error(`webhook ${event.id} was rejected with ${status}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(`webhook ${event.id} was never accepted`);
    },
  };
  return webhooks;
}
