import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SubscriptionStore } from '../../membership/subscriptions/subscription.store.js';
import { Problem } from '../../platform/http/problem.js';
import type { BillingAction } from '../demo.schema.js';
import { ActionNotPossible, type FakeStripeEvent, webhooksFor } from './fake-stripe.js';
import { type SentWebhook, StripeWebhookSender } from './stripe-webhook.sender.js';
import { DEMO_ID_PREFIX, type SubscriptionObject } from './subscription-object.js';

/** Stripe, as far as the page needs one: it has no accounts and no money, but its webhooks are real ones. */
@Injectable()
export class FakeStripeService {
  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly sender: StripeWebhookSender,
  ) {}

  /** Throws Problem conflict when there is nothing to do, not_configured without a webhook secret. */
  async act(userId: string, act: BillingAction): Promise<SentWebhook[]> {
    const known = await this.latest(userId);
    const now = Math.floor(Date.now() / 1_000);
    const id = (prefix: string) => `${prefix}_${DEMO_ID_PREFIX}${randomBytes(9).toString('hex')}`;
    const sent: SentWebhook[] = [];
    for (const saying of said(() => webhooksFor(act, known, { userId, now, id }))) {
      sent.push(await this.sender.send(id('evt'), now, saying));
    }
    return sent;
  }

  /** The object that it sent last, which Usher keeps: a restart of the demo forgets nothing. One that runs before one that ended. */
  private async latest(userId: string): Promise<SubscriptionObject | undefined> {
    const own = (await this.subscriptions.listOfUser(userId))
      .filter(({ subscriptionId }) => subscriptionId.startsWith(`sub_${DEMO_ID_PREFIX}`))
      .sort((a, b) => Number(a.ended) - Number(b.ended) || b.asOf.getTime() - a.asOf.getTime());
    return own[0]?.object as SubscriptionObject | undefined;
  }
}

function said(say: () => FakeStripeEvent[]): FakeStripeEvent[] {
  try {
    return say();
  } catch (error) {
    throw error instanceof ActionNotPossible ? new Problem('conflict', error.message) : error;
  }
}
