import { describe, expect, test } from '@jest/globals';
import type { BillingAction } from '../demo.schema.js';
import { BASIC, PREMIUM } from '../demo-plans.js';
import { ActionNotPossible, type FakeStripeEvent, webhooksFor } from './fake-stripe.js';
import type { SubscriptionObject } from './subscription-object.js';

const moment = { userId: 'demo', now: 1_795_000_000, id: (prefix: string) => `${prefix}_UsherPage1` };

/** What was said last, after these acts one after the other. */
function after(...acts: BillingAction[]): FakeStripeEvent[] {
  let known: SubscriptionObject | undefined;
  let said: FakeStripeEvent[] = [];
  for (const act of acts) {
    said = webhooksFor(act, known, moment);
    const subscription = said.findLast(({ type }) => type.startsWith('customer.subscription'));
    known = (subscription?.object as SubscriptionObject | undefined) ?? known;
  }
  return said;
}

describe('the pretended Stripe', () => {
  test('begins a subscription that names its user and the price of the plan', () => {
    const [event] = after('basic');
    expect(event).toMatchObject({
      type: 'customer.subscription.created',
      object: { status: 'active', metadata: { userId: 'demo' } },
    });
    expect(event?.object).toMatchObject({ items: { data: [{ price: { id: BASIC.price } }] } });
  });

  test('changes the plan of a running subscription, and says what it was before', () => {
    const [event] = after('basic', 'premium');
    expect(event?.type).toBe('customer.subscription.updated');
    expect(event?.object).toMatchObject({ items: { data: [{ price: { id: PREMIUM.price } }] } });
    expect(event?.previous).toMatchObject({ items: { data: [{ price: { id: BASIC.price } }] } });
    expect(Object.keys(event?.previous ?? {})).toEqual(['items']);
  });

  test('says a failed payment twice, as an invoice and as what becomes of the subscription', () => {
    const said = after('premium', 'payment_fails');
    expect(said.map(({ type }) => type)).toEqual(['invoice.payment_failed', 'customer.subscription.updated']);
    expect(said[1]).toMatchObject({ object: { status: 'past_due' }, previous: { status: 'active' } });
    expect(said[0]?.object).toMatchObject({ amount_due: PREMIUM.amount, status: 'open' });
  });

  test('cancels at the end of the paid period, and takes it back', () => {
    const [ending] = after('basic', 'cancel_at_period_end');
    expect(ending?.object).toMatchObject({
      status: 'active',
      cancel_at_period_end: true,
      cancel_at: moment.now + 30 * 86_400,
    });
    const [resumed] = after('basic', 'cancel_at_period_end', 'resume');
    expect(resumed?.object).toMatchObject({ cancel_at_period_end: false, cancel_at: null });
  });

  test('ends at once, and begins a new subscription afterwards', () => {
    expect(after('basic', 'cancel_now')[0]).toMatchObject({
      type: 'customer.subscription.deleted',
      object: { status: 'canceled' },
    });
    expect(after('basic', 'cancel_now', 'premium')[0]?.type).toBe('customer.subscription.created');
  });

  test('has nothing to say where nothing would change', () => {
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
