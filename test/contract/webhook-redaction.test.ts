import { describe, expect, test } from '@jest/globals';
import { sampleEvent } from '../../src/demo/stripe/stripe-event.js';
import { REDACTED, redactBody } from '../../src/membership/webhooks/redaction/redact-body.js';

describe('the body of a webhook, as it is shown to people,', () => {
  test('keeps the ids, statuses, times and numbers that say what it is about', () => {
    const event = sampleEvent('customer.subscription.updated', 1_795_172_460);
    const { id, status, customer, items } = event.data.object;
    const redacted = redactBody(event) as typeof event;
    expect(redacted).toMatchObject({ id: event.id, type: event.type, created: event.created });
    expect(redacted.data.object).toMatchObject({ id, status, customer });
    const price = (object: unknown) => (object as { data: { price: { id: string } }[] }).data[0]?.price.id;
    expect(price(redacted.data.object.items)).toBe(price(items));
  });

  test.each([
    ['an e-mail', { customer_email: 'ada@example.com' }],
    ['an e-mail in a field of any name', { contact: 'ada@example.com' }],
    ['a name', { customer_name: 'Ada' }],
    [
      'a name beside a price',
      { billing_details: { name: 'Ada', address: { city: 'London', country: 'GB' } } },
    ],
    ['a phone number', { phone: 441234567 }],
    ['a card', { payment_method_details: { card: { brand: 'visa', last4: '4242', exp_month: 12 } } }],
    ['what a back office wrote', { metadata: { crm: 'Ada' } }],
    ['a sentence', { note_to_us: 'call Ada', reason: 'she moved away' }],
    ['a link that lets its holder in', { hosted_invoice_url: 'https://invoice.example/secret' }],
    ['a secret', { client_secret: 'pi_1_secret_2' }],
    ['a token', { purchaseToken: 'abcdef' }],
  ])('does not show %s', (_, body) => {
    const redacted = redactBody({ data: [body] }) as { data: [typeof body] };
    expect(Object.keys(redacted.data[0])).toEqual(Object.keys(body));
    for (const value of leavesOf(body)) expect(JSON.stringify(redacted)).not.toContain(JSON.stringify(value));
    expect(JSON.stringify(redacted)).toContain(REDACTED);
  });

  test('shows whose it is', () => {
    const body = { data: { object: { metadata: { userId: 'ada', email: 'ada@example.com' } } } };
    expect(redactBody(body)).toEqual({ data: { object: { metadata: { userId: 'ada', email: REDACTED } } } });
  });
});

/** The values within, but for those that are in any case. */
const leavesOf = (value: unknown): unknown[] =>
  typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : [value];
