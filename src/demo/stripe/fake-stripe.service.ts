import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SubscriptionStore } from '../../membership/subscriptions/subscription.store.js';
import { Problem } from '../../platform/http/problem.js';
import type { BillingAction } from '../demo.schema.js';
import { ActionNotPossible, type FakeStripeEvent, webhooksFor } from './fake-stripe.js';
import { DEMO_ID_PREFIX, type ObjectContext, type SubscriptionObject } from './stripe-objects.js';
import { type SentWebhook, StripeWebhookSender } from './stripe-webhook.sender.js';

/** Stands in for Stripe: it has no accounts and no money, but its webhooks have Stripe's shape and a valid signature. */
@Injectable()
export class FakeStripeService {
  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly sender: StripeWebhookSender,
  ) {}

  /**
   * Does this to the user's subscription. Returns the webhooks that were sent. Throws Problem conflict when nothing would change,
   * not_configured without a webhook secret.
   */
  async act(userId: string, act: BillingAction): Promise<SentWebhook[]> {
    const current = await this.latest(userId);
    const now = Math.floor(Date.now() / 1_000);
    const id = (prefix: string) => `${prefix}_${DEMO_ID_PREFIX}${randomBytes(9).toString('hex')}`;
    const sent: SentWebhook[] = [];
    for (const event of eventsFor(act, current, { userId, now, id })) {
      sent.push(await this.sender.send(id('evt'), now, event));
    }
    return sent;
  }

  /**
   * The subscription object that was sent last, a running one before one that ended. Usher stores it, so a restart of
   * the demo forgets nothing.
   */
  private async latest(userId: string): Promise<SubscriptionObject | undefined> {
    const own = (await this.subscriptions.listOfUser(userId))
      .filter(({ subscriptionId }) => subscriptionId.startsWith(`sub_${DEMO_ID_PREFIX}`))
      .sort((a, b) => Number(a.ended) - Number(b.ended) || b.asOf.getTime() - a.asOf.getTime());
    return own[0]?.object as SubscriptionObject | undefined;
  }
}

function eventsFor(
  act: BillingAction,
  current: SubscriptionObject | undefined,
  context: ObjectContext,
): FakeStripeEvent[] {
  try {
    return webhooksFor(act, current, context);
  } catch (error) {
    throw error instanceof ActionNotPossible ? new Problem('conflict', error.message) : error;
  }
}
