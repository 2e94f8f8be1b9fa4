import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { AppleProcessor } from '../../src/membership/processors/apple/apple.processor.js';
import { GoogleProcessor } from '../../src/membership/processors/google/google.processor.js';
import { STATUS_RULES } from '../../src/membership/membership.js';
import type { Processor } from '../../src/membership/processors/processor.js';
import { PROCESSORS } from '../../src/membership/processors/registry.js';
import { StandardProcessor } from '../../src/membership/processors/standard/standard.processor.js';
import { StripeProcessor } from '../../src/membership/processors/stripe/stripe.processor.js';
import { type Config, readConfig } from '../../src/platform/config/config.js';
import { type PretendApple, pretendApple } from '../support/pretend-apple.js';
import { type PretendGoogle, pretendGoogle, purchaseOf } from '../support/pretend-google.js';
import { buildEvent, nowSeconds } from '../support/processor.js';
import { signedHeaders, STANDARD_SECRET, subscriptionUpdated } from '../support/standard-sender.js';

interface Sent {
  readonly body: string;
  readonly headers: Record<string, string>;
}

/** One processor as the suite needs it. */
interface Subject {
  readonly name: string;
  make(config: Config): Processor;
  settings(): Record<string, string>;
  /** A subscription that is active, as the processor says it, signed. */
  active(id: string): Promise<Sent>;
  /** Whether the signature is over the body, or over who sends it. */
  readonly signsBody: boolean;
  /** What was signed, at another time; undefined where age does not matter. */
  at?(seconds: number): Promise<Sent>;
  /** Seconds from now at which it is too old, or too new. */
  readonly stale: readonly number[];
}

const SECRET = 'whsec_of_the_contract';
let apple: PretendApple;
let google: PretendGoogle;
beforeAll(async () => {
  apple = pretendApple();
  google = await pretendGoogle();
});
afterAll(async () => {
  apple.close();
  await google.close();
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** By hand, from Stripe's documentation: its library must agree with somebody else than itself. */
const stripeSigned = (body: string, at = nowSeconds(), secret = SECRET): Sent => ({
  body,
  headers: {
    'stripe-signature': `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`,
  },
});
const stripeBody = (id: string) =>
  JSON.stringify({
    ...buildEvent('customer.subscription.created', { id: 'sub_1', userId: 'ann', status: 'active' }),
    id,
  });
const standardBody = () =>
  JSON.stringify(
    subscriptionUpdated({ subscriptionId: 's-1', userId: 'ann', status: 'active', priceIds: ['p'] }),
  );
const standardSigned = (id: string, at?: number): Sent => {
  const body = standardBody();
  return { body, headers: signedHeaders(body, { id, ...(at !== undefined && { at }) }) };
};

const SUBJECTS: Subject[] = [
  {
    name: 'stripe',
    make: (config) => new StripeProcessor(config),
    settings: () => ({ STRIPE_WEBHOOK_SECRET: SECRET }),
    active: (id) => Promise.resolve(stripeSigned(stripeBody(id))),
    signsBody: true,
    at: (seconds) => Promise.resolve(stripeSigned(stripeBody('evt_1'), nowSeconds() + seconds)),
    stale: [-310, 310],
  },
  {
    name: 'standard',
    make: (config) => new StandardProcessor(config),
    settings: () => ({ STANDARD_WEBHOOK_SECRET: STANDARD_SECRET }),
    active: (id) => Promise.resolve(standardSigned(id)),
    signsBody: true,
    at: (seconds) => Promise.resolve(standardSigned('msg_1', nowSeconds() + seconds)),
    stale: [-310, 310],
  },
  {
    name: 'apple',
    make: (config) => new AppleProcessor(config),
    settings: () => apple.settings,
    active: (uuid) => Promise.resolve({ body: apple.notification({ uuid }), headers: {} }),
    signsBody: true,
    stale: [],
  },
  {
    name: 'google',
    make: (config) => new GoogleProcessor(config),
    settings: () => google.settings,
    active: (messageId) => {
      google.purchases.set('token-1', purchaseOf('ACTIVE'));
      return google.push('token-1', { messageId });
    },
    signsBody: false,
    at: (seconds) => google.push('token-1', { expiresIn: seconds }),
    stale: [-310],
  },
];

const config = (settings: Record<string, string> = {}) =>
  readConfig({
    DATABASE_URL: 'postgres://localhost/nothing',
    REDIS_URL: 'redis://localhost',
    AUTH_JWT_SECRET: 'nothing is verified with this secret',
    ...settings,
  });

const REFUSALS = ['signature_invalid', 'signature_stale', 'malformed_json', 'invalid_request'];

describe.each(SUBJECTS)('the processor $name', (subject) => {
  const configured = () => subject.make(config(subject.settings()));
  const verify = async (processor: Processor, { body, headers }: Sent) =>
    processor.verify(Buffer.from(body), headers);
  const codeOf = async (sent: Sent, processor = configured()): Promise<string> =>
    verify(processor, sent).then(
      () => 'accepted',
      (error: { code?: string }) => error.code ?? 'another error',
    );

  test('is registered by the name under which its webhooks come', () => {
    expect(configured()).toBeInstanceOf(PROCESSORS[subject.name]);
  });

  test('verifies what is signed: an id, a type, a time, and JSON that says what happened', async () => {
    const id = randomUUID();
    const webhook = await verify(configured(), await subject.active(id));
    expect(webhook.eventId).toBe(id);
    expect(webhook.type).toMatch(/^[A-Za-z_.0-9]+$/);
    expect(Math.abs(webhook.createdAt.getTime() - Date.now())).toBeLessThan(10_000);
    expect(JSON.parse(webhook.payload)).toEqual(expect.any(Object));
  });

  test('understands an active subscription: itself, or by asking', async () => {
    const processor = configured();
    const { payload } = await verify(processor, await subject.active(randomUUID()));
    const received = processor.read(JSON.parse(payload));
    const update = received.kind === 'hint' ? await processor.api?.fetch(received.subscriptionId) : received;
    expect(update).toMatchObject({ kind: 'subscription', status: 'active', ended: false, cancelAt: null });
    expect(update?.kind === 'subscription' && update.priceIds.length).toBeGreaterThan(0);
  });

  test('answers not_configured without its settings', async () => {
    expect(await codeOf(await subject.active('x'), subject.make(config()))).toBe('not_configured');
  });

  test('refuses what carries no signature', async () => {
    const { body } = await subject.active(randomUUID());
    const bare = subject.name === 'apple' ? JSON.stringify({ signedPayload: 'e30.e30.' }) : body;
    expect(await codeOf({ body: bare, headers: {} })).toBe('signature_invalid');
  });

  test('refuses any change of what is signed, wherever it is', async () => {
    const processor = configured();
    const sent = await subject.active(randomUUID());
    const place = fc.tuple(fc.nat(10_000), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(place, async ([at, flip]) => {
        const [name = '', value = ''] = Object.entries(sent.headers).at(-1) ?? [];
        const inBody = subject.signsBody;
        const bytes = Buffer.from(inBody ? sent.body : value.slice('Bearer '.length));
        const index = at % bytes.length;
        bytes[index] = (bytes[index] as number) ^ flip;
        const changed = inBody
          ? { body: bytes.toString('latin1'), headers: sent.headers }
          : { body: sent.body, headers: { [name]: `Bearer ${bytes.toString('latin1')}` } };
        const webhook = await Promise.resolve()
          .then(() => processor.verify(Buffer.from(changed.body, 'latin1'), changed.headers))
          .catch((error: { code?: string }) => error.code);
        // A base64 digit may have bits that mean nothing: then the same was said.
        const outcome = typeof webhook === 'object' ? meaning(changed, inBody) : webhook;
        expect([...REFUSALS, meaning(sent, inBody)]).toContainEqual(outcome);
      }),
      { numRuns: 60 },
    );
  });

  test('refuses what is stale, and what is from the future, as far as its kind has an age', async () => {
    const { at } = subject;
    const aged = at
      ? await Promise.all([...subject.stale].map(async (seconds) => codeOf(await at(seconds))))
      : [];
    expect(aged).toEqual(aged.map(() => 'signature_stale'));
  });

  test('never throws for what it does not understand, and never lets anybody watch for it', () => {
    const processor = configured();
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue({ maxDepth: 4 }), nearly), (payload) => {
        const update = processor.read(payload);
        expect(update.kind === 'subscription' && STATUS_RULES[update.status].grants).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

/** What looks like an event of each processor from afar. */
const any = fc.jsonValue({ maxDepth: 3 });
const nearly = fc.record({
  id: fc.constant('evt_1'),
  created: fc.oneof(fc.nat(), any),
  type: fc.constantFrom(
    'customer.subscription.updated',
    'invoice.payment_failed',
    'invoice.paid',
    'subscription_schedule.updated',
    'subscription.updated',
  ),
  timestamp: fc.oneof(fc.constant('2026-11-20T12:00:00Z'), any),
  packageName: fc.constant('com.example.tests'),
  subscriptionNotification: any,
  notification: any,
  transaction: any,
  data: fc.oneof(
    any,
    fc.record({ object: any }),
    fc.record({ object: fc.record({ id: any, status: any, items: any }) }),
  ),
});

/** What the last signature in it covers, as bytes. */
function meaning({ body, headers }: Sent, inBody: boolean): unknown {
  const jws = inBody
    ? (JSON.parse(body) as { signedPayload?: string }).signedPayload
    : headers.authorization?.slice('Bearer '.length);
  return jws === undefined
    ? body
    : jws.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'));
}

test('the example that Standard Webhooks publishes is accepted at its time, and not 301 s away from it', async () => {
  // https://github.com/standard-webhooks/standard-webhooks, the tests of its libraries
  const processor = new StandardProcessor(
    config({ STANDARD_WEBHOOK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }),
  );
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  };
  const at = (seconds: number) => {
    jest.spyOn(Date, 'now').mockReturnValue((1_614_265_330 + seconds) * 1_000);
    return processor.verify(Buffer.from('{"test": 2432232314}'), headers);
  };
  expect(at(0)).toMatchObject({ eventId: 'msg_p5jXN8AQM9LWM0D4loKWxJek', type: 'unknown' });
  expect(() => at(301)).toThrow(expect.objectContaining({ code: 'signature_stale' }));
  expect(() => at(-301)).toThrow(expect.objectContaining({ code: 'signature_stale' }));
});
