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
/** The update that the sample means, with these fields of its subscription replaced. */
function updateOf(
  object: Record<string, unknown>,
  of: Sample = 'customer.subscription.updated',
): SubscriptionUpdate {
  const event = sample(of);
  Object.assign(event.data.object, object);
  const update = read(event);
  if (update.kind !== 'subscription') throw new Error('it is about no subscription');
  return update;
}
const seconds = (n: number): Date => new Date(n * 1_000);
const items = (...periodEnds: number[]) => ({
  data: periodEnds.map((end, n) => ({ price: { id: `price_${n}` }, current_period_end: end })),
});

describe('a Stripe subscription', () => {
  test('is read from the events about it', () => {
    const event = sample('customer.subscription.created');
    expect(read(event)).toMatchObject({
      kind: 'subscription',
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
  ])('with the status %s is %s here', (theirs, ours) => {
    expect(updateOf({ status: theirs }).status).toBe(ours);
  });

  test('with a status that is not known yet grants nothing', () => {
    for (const status of ['generous', 'toString', '__proto__', 'constructor'])
      expect(updateOf({ status }).status).toBe('none');
  });

  test.each([
    ['canceled', true],
    ['incomplete_expired', true],
    ['unpaid', false],
    ['past_due', false],
    ['incomplete', false],
  ])('with the status %s has ended for good: %s', (status, ended) => {
    expect(updateOf({ status }).ended).toBe(ended);
  });

  test('that was deleted has ended at Stripe’s `ended_at`, whatever its status is', () => {
    const ended_at = 1_790_000_000;
    expect(updateOf({ status: 'active', ended_at }, 'customer.subscription.deleted')).toMatchObject({
      status: 'canceled',
      ended: true,
      effectiveAt: seconds(ended_at),
      cancelAt: null,
    });
  });

  test('whose payment collection is paused is paused, unless its status is worse', () => {
    const pause_collection = { behavior: 'void', resumes_at: null };
    expect(updateOf({ status: 'active', pause_collection }).status).toBe('paused');
    expect(updateOf({ status: 'trialing', pause_collection }).status).toBe('paused');
    expect(updateOf({ status: 'past_due', pause_collection }).status).toBe('past_due');
    expect(updateOf({ status: 'canceled', pause_collection }).status).toBe('canceled');
  });

  test('that is canceled at the period’s end stays active until the last of its items’ periods ends', () => {
    expect(
      updateOf({ cancel_at_period_end: true, items: items(1_795_000_000, 1_796_000_000, 1_794_000_000) }),
    ).toMatchObject({
      status: 'active',
      ended: false,
      cancelAt: seconds(1_796_000_000),
    });
  });

  test('that is canceled at a date ends at that date', () => {
    expect(updateOf({ cancel_at: 1_797_000_000, cancel_at_period_end: true }).cancelAt).toEqual(
      seconds(1_797_000_000),
    );
    expect(updateOf({ cancel_at: 1_797_000_000 }).cancelAt).toEqual(seconds(1_797_000_000));
  });

  test('that has ended has no planned end', () => {
    expect(
      updateOf({ status: 'canceled', cancel_at: 1_797_000_000, cancel_at_period_end: true }).cancelAt,
    ).toBeNull();
  });

  test('that is canceled at the period’s end but has no items has no known end', () => {
    expect(updateOf({ cancel_at_period_end: true, items: items() }).cancelAt).toBeNull();
  });

  test('has the prices of all its items, in their order', () => {
    expect(updateOf({ items: items(1, 2, 3) }).priceIds).toEqual(['price_0', 'price_1', 'price_2']);
  });

  test('has its customer, whether expanded or not', () => {
    expect(updateOf({ customer: { id: 'cus_expanded', object: 'customer' } }).customerId).toBe(
      'cus_expanded',
    );
    expect(updateOf({ customer: 'cus_by_id' }).customerId).toBe('cus_by_id');
  });

  test('has a user only when its metadata names one', () => {
    expect(updateOf({ metadata: {} }).userId).toBeUndefined();
    expect(updateOf({ metadata: null }).userId).toBeUndefined();
  });
});

describe('of two events in the same second', () => {
  const updateAfter = (
    previous: Record<string, unknown> | undefined,
    of: Sample = 'customer.subscription.updated',
  ) => {
    const event = sample(of);
    if (previous) event.data.previous_attributes = previous;
    else delete event.data.previous_attributes;
    return read(event) as SubscriptionUpdate;
  };

  test('the later one is the one whose previous attributes are stored', () => {
    expect(updateAfter({ status: 'trialing' }).follows({ status: 'trialing' })).toBe(true);
    expect(updateAfter({ status: 'trialing' }).follows({ status: 'active' })).toBe(false);
    expect(updateAfter({ cancel_at: null, status: 'active' }).follows({ status: 'active' })).toBe(true);
  });

  test('the creation is never the later one', () => {
    expect(updateAfter(undefined, 'customer.subscription.created').follows({})).toBe(false);
  });

  test('nested attributes decide nothing', () => {
    expect(updateAfter({ items: { data: [] } }).follows({ items: { data: [{}] } })).toBe(true);
  });
});

describe('a failed payment at Stripe', () => {
  test('concerns the subscription of its invoice', () => {
    const event = sample('invoice.payment_failed');
    expect(read(event)).toEqual({
      kind: 'payment_failure',
      subscriptionId: sample('customer.subscription.created').data.object.id,
      customerId: event.data.object.customer,
      asOf: seconds(event.created),
    });
  });

  test('is read from API versions before 2025-03-31 too', () => {
    for (const subscription of ['sub_legacy', { id: 'sub_legacy', object: 'subscription' }]) {
      const event = sample('invoice.payment_failed');
      delete event.data.object.parent;
      event.data.object.subscription = subscription;
      expect((read(event) as PaymentFailure).subscriptionId).toBe('sub_legacy');
    }
  });

  test('is read with an expanded subscription too', () => {
    const event = sample('invoice.payment_failed');
    event.data.object.parent = {
      type: 'subscription_details',
      quote_details: null,
      subscription_details: { subscription: { id: 'sub_expanded' }, metadata: null },
    };
    expect((read(event) as PaymentFailure).subscriptionId).toBe('sub_expanded');
  });

  test('for anything but a subscription changes no membership', () => {
    const event = sample('invoice.payment_failed');
    event.data.object.parent = null;
    expect(read(event)).toEqual({ kind: 'unrelated' });
  });
});

test('events that are not about memberships are unrelated', () => {
  expect(
    read({ ...sample('customer.subscription.created'), type: 'customer.subscription.trial_will_end' }),
  ).toEqual({ kind: 'unrelated' });
  expect(read({ ...sample('customer.subscription.created'), type: 'payment_intent.succeeded' })).toEqual({
    kind: 'unrelated',
  });
});
