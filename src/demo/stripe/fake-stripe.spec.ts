import { describe, expect, test } from '@jest/globals';
import type { BillingAction } from '../demo.schema.js';
import { BASIC, PREMIUM } from '../demo-plans.js';
import { ActionNotPossible, type FakeStripeEvent, webhooksFor } from './fake-stripe.js';
import type { SubscriptionObject } from './stripe-objects.js';

const context = { userId: 'demo', now: 1_795_000_000, id: (prefix: string) => `${prefix}_UsherPage1` };

/** The webhooks of the last of these acts, done one after the other. */
function after(...acts: BillingAction[]): FakeStripeEvent[] {
  let current: SubscriptionObject | undefined;
  let sent: FakeStripeEvent[] = [];
  for (const act of acts) {
    sent = webhooksFor(act, current, context);
    const subscription = sent.findLast(({ type }) => type.startsWith('customer.subscription'));
    current = (subscription?.object as SubscriptionObject | undefined) ?? current;
  }
  return sent;
}

describe('the fake Stripe', () => {
  test('creates a subscription that names its user and the price of the plan', () => {
    const [event] = after('basic');
    expect(event).toMatchObject({
      type: 'customer.subscription.created',
      object: { status: 'active', metadata: { userId: 'demo' } },
    });
    expect(event?.object).toMatchObject({ items: { data: [{ price: { id: BASIC.price } }] } });
  });

  test('changes the plan of a running subscription, and names the plan before it in previous_attributes', () => {
    const [event] = after('basic', 'premium');
    expect(event?.type).toBe('customer.subscription.updated');
    expect(event?.object).toMatchObject({ items: { data: [{ price: { id: PREMIUM.price } }] } });
    expect(event?.previous).toMatchObject({ items: { data: [{ price: { id: BASIC.price } }] } });
    expect(Object.keys(event?.previous ?? {})).toEqual(['items']);
  });

  test('reports a failed payment twice: as an invoice and as an update of the subscription', () => {
    const sent = after('premium', 'payment_fails');
    expect(sent.map(({ type }) => type)).toEqual(['invoice.payment_failed', 'customer.subscription.updated']);
    expect(sent[1]).toMatchObject({ object: { status: 'past_due' }, previous: { status: 'active' } });
    expect(sent[0]?.object).toMatchObject({ amount_due: PREMIUM.amount, status: 'open' });
  });

  test('cancels at the end of the paid period, and resumes', () => {
    const [ending] = after('basic', 'cancel_at_period_end');
    expect(ending?.object).toMatchObject({
      status: 'active',
      cancel_at_period_end: true,
      cancel_at: context.now + 30 * 86_400,
    });
    const [resumed] = after('basic', 'cancel_at_period_end', 'resume');
    expect(resumed?.object).toMatchObject({ cancel_at_period_end: false, cancel_at: null });
  });

  test('cancels at once, and creates a new subscription afterwards', () => {
    expect(after('basic', 'cancel_now')[0]).toMatchObject({
      type: 'customer.subscription.deleted',
      object: { status: 'canceled' },
    });
    expect(after('basic', 'cancel_now', 'premium')[0]?.type).toBe('customer.subscription.created');
  });

  test('refuses an act that would change nothing', () => {
    for (const acts of [
      ['payment_fails'],
      ['cancel_now'],
      ['basic', 'basic'],
      ['basic', 'resume'],
      ['basic', 'cancel_now', 'resume'],
    ]) {
      expect(() => after(...(acts as BillingAction[]))).toThrow(ActionNotPossible);
    }
  });
});
