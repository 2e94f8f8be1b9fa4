import Stripe from 'stripe';
import { call, type Reply } from './back-office.js';
import {
  buildEvent,
  type StripeEvent,
  type StripeEventOptions,
  type StripeEventType,
} from '../../src/demo/stripe/stripe-event.js';

export { buildEvent, type StripeEvent, type StripeEventType } from '../../src/demo/stripe/stripe-event.js';

/** Stripe, as its webhooks look: real event objects, really signed. */
export interface StripeDriver {
  event(type: StripeEventType, options?: StripeEventOptions): StripeEvent;
  /** Sends a body with a signature over it. */
  send(
    event: unknown,
    signing?: { readonly secret?: string; readonly at?: number; readonly signature?: string },
  ): Promise<Reply>;
  subscription(type: StripeEventType, options?: StripeEventOptions): Promise<Reply>;
  /** As Stripe does it: signed anew and sent again until it is answered 2xx. Answers how often it was sent. */
  deliver(event: StripeEvent, deadlineMs?: number): Promise<number>;
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

export function stripeDriver(url: string, secret: string): StripeDriver {
  const driver: StripeDriver = {
    event: buildEvent,
    send(event, { secret: other, at, signature } = {}) {
      const payload = typeof event === 'string' ? event : JSON.stringify(event);
      const header = Stripe.webhooks.generateTestHeaderString({
        payload,
        secret: other ?? secret,
        ...(at !== undefined && { timestamp: at }),
      });
      return call(url, undefined, 'POST', '/v1/webhooks/stripe', payload, {
        'stripe-signature': signature ?? header,
      });
    },
    subscription: (type, options) => driver.send(driver.event(type, options)),
    async deliver(event, deadlineMs = 30_000) {
      const until = Date.now() + deadlineMs;
      for (let attempt = 1; Date.now() < until; attempt += 1) {
        const status = await driver.send(event).then(
          (reply) => reply.status,
          () => 0,
        );
        if (status >= 200 && status < 300) return attempt;
        // A refusal for good would never become a 2xx: the test is wrong, or the server is.
        if (status >= 400 && status < 500) throw new Error(`webhook ${event.id} was answered ${status}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(`webhook ${event.id} was never taken`);
    },
  };
  return driver;
}
