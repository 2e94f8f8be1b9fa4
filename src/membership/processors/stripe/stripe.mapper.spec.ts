import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import type { Status } from '../../membership.js';
import type { PaymentFailure, SubscriptionUpdate } from '../processor.js';
import { mapStripeEvent } from './stripe.mapper.js';

type Sample =
  | 'customer.subscription.created'
  | 'customer.subscription.updated'
  | 'customer.subscription.deleted'
  | 'invoice.payment_failed';
interface SampleEvent {
  type: string;
  created: number;
  data: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> };
}
const sample = (name: Sample): SampleEvent =>
  JSON.parse(
    readFileSync(new URL(`../../../demo/stripe/samples/${name}.json`, import.meta.url), 'utf8'),
  ) as SampleEvent;

const read = (event: SampleEvent) => mapStripeEvent(event as unknown as Stripe.Event);
/** The word on the sample's subscription, with this said of it. */
function said(
  object: Record<string, unknown>,
  of: Sample = 'customer.subscription.updated',
): SubscriptionUpdate {
  const event = sample(of);
  Object.assign(event.data.object, object);
  const word = read(event);
  if (word.about !== 'subscription') throw new Error('it says nothing of a subscription');
  return word;
}
const seconds = (n: number): Date => new Date(n * 1_000);
const items = (...periodEnds: number[]) => ({
  data: periodEnds.map((end, n) => ({ price: { id: `price_${n}` }, current_period_end: end })),
});

describe('what Stripe says of a subscription', () => {
  test('is read from its own events', () => {
    const event = sample('customer.subscription.created');
    expect(read(event)).toMatchObject({
      about: 'subscription',
      subscriptionId: event.data.object.id,
      customerId: event.data.object.customer,
      userId: 'user-1',
      status: 'active',
      priceIds: ['price_1SPwzQLkdIwHu7ixStandrd'],
      effectiveAt: seconds(event.created),
      asOf: seconds(event.created),
      cancelAt: null,
      ended: false,
      object: event.data.object,
    });
  });

  test.each<[string, Status]>([
    ['trialing', 'trialing'],
    ['active', 'active'],
    ['past_due', 'past_due'],
    ['paused', 'paused'],
    ['canceled', 'canceled'],
    ['unpaid', 'canceled'],
    ['incomplete', 'none'],
    ['incomplete_expired', 'canceled'],
  ])('%s is %s', (theirs, ours) => {
    expect(said({ status: theirs }).status).toBe(ours);
  });

  test('a status of a later year gives nothing', () => {
    for (const status of ['generous', 'toString', '__proto__', 'constructor'])
      expect(said({ status }).status).toBe('none');
  });

  test.each([
    ['canceled', true],
    ['incomplete_expired', true],
    ['unpaid', false],
    ['past_due', false],
    ['incomplete', false],
  ])('%s is final: %s', (status, ended) => {
    expect(said({ status }).ended).toBe(ended);
  });

  test('that was deleted has ended, at the instant that Stripe says, whatever its status is', () => {
    const ended_at = 1_790_000_000;
    expect(said({ status: 'active', ended_at }, 'customer.subscription.deleted')).toMatchObject({
      status: 'canceled',
      ended: true,
      effectiveAt: seconds(ended_at),
      cancelAt: null,
    });
  });

  test('whose payments are paused is paused, unless it is worse', () => {
    const pause_collection = { behavior: 'void', resumes_at: null };
    expect(said({ status: 'active', pause_collection }).status).toBe('paused');
    expect(said({ status: 'trialing', pause_collection }).status).toBe('paused');
    expect(said({ status: 'past_due', pause_collection }).status).toBe('past_due');
    expect(said({ status: 'canceled', pause_collection }).status).toBe('canceled');
  });

  test('that ends with its period ends with the last of its items’ periods, and is active until then', () => {
    expect(
      said({ cancel_at_period_end: true, items: items(1_795_000_000, 1_796_000_000, 1_794_000_000) }),
    ).toMatchObject({
      status: 'active',
      ended: false,
      cancelAt: seconds(1_796_000_000),
    });
  });

  test('that ends on a day ends on that day', () => {
    expect(said({ cancel_at: 1_797_000_000, cancel_at_period_end: true }).cancelAt).toEqual(
      seconds(1_797_000_000),
    );
    expect(said({ cancel_at: 1_797_000_000 }).cancelAt).toEqual(seconds(1_797_000_000));
  });

  test('that has ended ends no more', () => {
    expect(
      said({ status: 'canceled', cancel_at: 1_797_000_000, cancel_at_period_end: true }).cancelAt,
    ).toBeNull();
  });

  test('that ends with its period but has no items says no day', () => {
    expect(said({ cancel_at_period_end: true, items: items() }).cancelAt).toBeNull();
  });

  test('names the prices of all its items, in their order', () => {
    expect(said({ items: items(1, 2, 3) }).priceIds).toEqual(['price_0', 'price_1', 'price_2']);
  });

  test('names its customer, whether spelled out or not', () => {
    expect(said({ customer: { id: 'cus_spelled_out', object: 'customer' } }).customerId).toBe(
      'cus_spelled_out',
    );
    expect(said({ customer: 'cus_by_id' }).customerId).toBe('cus_by_id');
  });

  test('names a user only when its metadata does', () => {
    expect(said({ metadata: {} }).userId).toBeUndefined();
    expect(said({ metadata: null }).userId).toBeUndefined();
  });
});

describe('of two words of the same second', () => {
  const word = (
    previous: Record<string, unknown> | undefined,
    of: Sample = 'customer.subscription.updated',
  ) => {
    const event = sample(of);
    if (previous) event.data.previous_attributes = previous;
    else delete event.data.previous_attributes;
    return read(event) as SubscriptionUpdate;
  };

  test('the later one is that which changed what is stored', () => {
    expect(word({ status: 'trialing' }).follows({ status: 'trialing' })).toBe(true);
    expect(word({ status: 'trialing' }).follows({ status: 'active' })).toBe(false);
    expect(word({ cancel_at: null, status: 'active' }).follows({ status: 'active' })).toBe(true);
  });

  test('a beginning is never the later one', () => {
    expect(word(undefined, 'customer.subscription.created').follows({})).toBe(false);
  });

  test('what changed deep inside decides nothing', () => {
    expect(word({ items: { data: [] } }).follows({ items: { data: [{}] } })).toBe(true);
  });
});

describe('what Stripe says of a payment', () => {
  test('that failed: which subscription it was for', () => {
    const event = sample('invoice.payment_failed');
    expect(read(event)).toEqual({
      about: 'payment_failed',
      subscriptionId: sample('customer.subscription.created').data.object.id,
      customerId: event.data.object.customer,
      asOf: seconds(event.created),
    });
  });

  test('as API versions before 2025-03-31 said it', () => {
    for (const subscription of ['sub_legacy', { id: 'sub_legacy', object: 'subscription' }]) {
      const event = sample('invoice.payment_failed');
      delete event.data.object.parent;
      event.data.object.subscription = subscription;
      expect((read(event) as PaymentFailure).subscriptionId).toBe('sub_legacy');
    }
  });

  test('with the subscription spelled out', () => {
    const event = sample('invoice.payment_failed');
    event.data.object.parent = {
      type: 'subscription_details',
      quote_details: null,
      subscription_details: { subscription: { id: 'sub_spelled_out' }, metadata: null },
    };
    expect((read(event) as PaymentFailure).subscriptionId).toBe('sub_spelled_out');
  });

  test('for something else than a subscription changes no membership', () => {
    const event = sample('invoice.payment_failed');
    event.data.object.parent = null;
    expect(read(event)).toEqual({ about: 'other' });
  });
});

test('what is not about memberships is nothing', () => {
  expect(
    read({ ...sample('customer.subscription.created'), type: 'customer.subscription.trial_will_end' }),
  ).toEqual({ about: 'other' });
  expect(read({ ...sample('customer.subscription.created'), type: 'payment_intent.succeeded' })).toEqual({
    about: 'other',
  });
});
