import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import type { Act } from '../development.schema.js';
import { Refused, type Saying, sayings } from './pretend-stripe.js';
import { PretendStripeStore } from './pretend-stripe.store.js';
import { type SentWebhook, StripeWebhookSender } from './stripe-webhook.sender.js';
import { OURS } from './subscription-object.js';

/** Stripe, as far as the page needs one: it has no accounts and no money, but its webhooks are real ones. */
@Injectable()
export class PretendStripe {
  constructor(
    private readonly store: PretendStripeStore,
    private readonly sender: StripeWebhookSender,
  ) {}

  /** Throws Problem conflict when there is nothing to do, not_configured without a webhook secret. */
  async act(userId: string, act: Act): Promise<SentWebhook[]> {
    const known = await this.store.latest(userId);
    const now = Math.floor(Date.now() / 1_000);
    const id = (prefix: string) => `${prefix}_${OURS}${randomBytes(9).toString('hex')}`;
    const sent: SentWebhook[] = [];
    for (const saying of said(() => sayings(act, known, { userId, now, id }))) {
      sent.push(await this.sender.send(id('evt'), now, saying));
    }
    return sent;
  }
}

function said(say: () => Saying[]): Saying[] {
  try {
    return say();
  } catch (error) {
    throw error instanceof Refused ? new Problem('conflict', error.message) : error;
  }
}
