import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import type { BillingAction } from '../demo.schema.js';
import { ActionNotPossible, type FakeStripeEvent, webhooksFor } from './fake-stripe.js';
import { FakeStripeStore } from './fake-stripe.store.js';
import { type SentWebhook, StripeWebhookSender } from './stripe-webhook.sender.js';
import { DEMO_ID_PREFIX } from './subscription-object.js';

/** Stripe, as far as the page needs one: it has no accounts and no money, but its webhooks are real ones. */
@Injectable()
export class FakeStripeService {
  constructor(
    private readonly store: FakeStripeStore,
    private readonly sender: StripeWebhookSender,
  ) {}

  /** Throws Problem conflict when there is nothing to do, not_configured without a webhook secret. */
  async act(userId: string, act: BillingAction): Promise<SentWebhook[]> {
    const known = await this.store.latest(userId);
    const now = Math.floor(Date.now() / 1_000);
    const id = (prefix: string) => `${prefix}_${DEMO_ID_PREFIX}${randomBytes(9).toString('hex')}`;
    const sent: SentWebhook[] = [];
    for (const saying of said(() => webhooksFor(act, known, { userId, now, id }))) {
      sent.push(await this.sender.send(id('evt'), now, saying));
    }
    return sent;
  }
}

function said(say: () => FakeStripeEvent[]): FakeStripeEvent[] {
  try {
    return say();
  } catch (error) {
    throw error instanceof ActionNotPossible ? new Problem('conflict', error.message) : error;
  }
}
