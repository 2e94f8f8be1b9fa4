import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { call, type HttpReply } from './back-office.js';
import { nowSeconds } from './stripe-webhooks.js';

/** 32 bytes, as Standard Webhooks demands. */
export const STANDARD_SECRET = `whsec_${Buffer.from('the standard secret of the tests').toString('base64')}`;

export interface StandardWebhookSigning {
  readonly id?: string;
  readonly at?: number;
  readonly secret?: string;
  /** Replaces the right signature. */
  readonly signature?: string;
}

/** Returns the webhook of an in-house billing system about a subscription. */
export const subscriptionUpdated = (data: Record<string, unknown>, timestamp = new Date().toISOString()) => ({
  type: 'subscription.updated',
  timestamp,
  data,
});

/** Returns the headers of a signed webhook with this body. */
export const signedHeaders = (
  body: string,
  { id, at, secret, signature }: StandardWebhookSigning = {},
): Record<string, string> => {
  const name = id ?? `msg_${randomBytes(8).toString('hex')}`;
  const seconds = at ?? nowSeconds();
  return {
    'webhook-id': name,
    'webhook-timestamp': String(seconds),
    'webhook-signature':
      signature ?? new Webhook(secret ?? STANDARD_SECRET).sign(name, new Date(seconds * 1_000), body),
  };
};

/** Signs a webhook with the library of https://www.standardwebhooks.com and posts it. */
export function sendStandardWebhook(
  url: string,
  event: unknown,
  signing?: StandardWebhookSigning,
): Promise<HttpReply> {
  const body = typeof event === 'string' ? event : JSON.stringify(event);
  return call(url, undefined, 'POST', '/v1/webhooks/standard', body, signedHeaders(body, signing));
}
