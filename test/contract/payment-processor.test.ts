import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { AppleProcessor } from '../../src/membership/processors/apple/apple.processor.js';
import { GoogleProcessor } from '../../src/membership/processors/google/google.processor.js';
import { STATUS_RULES } from '../../src/membership/membership.js';
import type { Processor } from '../../src/membership/processors/processor.js';
import { PROCESSORS } from '../../src/membership/processors/registry.js';
import { StandardProcessor } from '../../src/membership/processors/standard/standard.processor.js';
import { StripeProcessor } from '../../src/membership/processors/stripe/stripe.processor.js';
import type { Config } from '../../src/platform/config/config.js';
import { testConfig } from '../support/config.js';
import { type FakeAppStore, createFakeAppStore } from '../support/fakes/fake-app-store.js';
import {
  type FakeGooglePlay,
  startFakeGooglePlay,
  buildPurchase,
} from '../support/fakes/fake-google-play.js';
import { buildStripeEvent, nowSeconds, stripeSignature } from '../support/drivers/stripe-webhooks.js';
import { signedHeaders, STANDARD_SECRET, subscriptionUpdated } from '../support/drivers/standard-webhooks.js';

interface SentWebhook {
  readonly body: string;
  readonly headers: Record<string, string>;
}

/** One payment processor as the contract tests need it. */
interface ProcessorUnderTest {
  readonly name: string;
  make(config: Config): Processor;
  settings(): Record<string, string>;
  /** Returns a signed webhook about an active subscription. */
  active(id: string): Promise<SentWebhook>;
  /** Whether the signature covers the body; else it only authenticates the sender. */
  readonly signsBody: boolean;
  /** Returns a webhook signed at another time, in seconds from now; undefined where signatures do not expire. */
  at?(seconds: number): Promise<SentWebhook>;
  /** Offsets from now, in seconds, at which a signature is too old or too new. */
  readonly stale: readonly number[];
}

const SECRET = 'whsec_of_the_contract';
let apple: FakeAppStore;
let google: FakeGooglePlay;
beforeAll(async () => {
  apple = createFakeAppStore();
  google = await startFakeGooglePlay();
});
afterAll(async () => {
  apple.close();
  await google.close();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const stripeSigned = (body: string, at?: number): SentWebhook => ({
  body,
  headers: { 'stripe-signature': stripeSignature(body, SECRET, at) },
});
const stripeBody = (id: string) =>
  JSON.stringify({
    ...buildStripeEvent('customer.subscription.created', { id: 'sub_1', userId: 'ann', status: 'active' }),
    id,
  });
const standardBody = () =>
  JSON.stringify(
    subscriptionUpdated({ subscriptionId: 's-1', userId: 'ann', status: 'active', priceIds: ['p'] }),
  );
const standardSigned = (id: string, at?: number): SentWebhook => {
  const body = standardBody();
  return { body, headers: signedHeaders(body, { id, ...(at !== undefined && { at }) }) };
};

const SUBJECTS: ProcessorUnderTest[] = [
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
    settings: () => apple.environment,
    active: (uuid) => Promise.resolve({ body: apple.notification({ uuid }), headers: {} }),
    signsBody: true,
    stale: [],
  },
  {
    name: 'google',
    make: (config) => new GoogleProcessor(config),
    settings: () => google.environment,
    active: (messageId) => {
      google.purchases.set('token-1', buildPurchase('ACTIVE'));
      return google.push('token-1', { messageId });
    },
    signsBody: false,
    at: (seconds) => google.push('token-1', { expiresIn: seconds }),
    stale: [-310],
  },
];

const REFUSALS = ['signature_invalid', 'signature_stale', 'malformed_json', 'invalid_request'];

describe.each(SUBJECTS)('the processor $name', (subject) => {
  const configured = () => subject.make(testConfig(subject.settings()));
  const verify = async (processor: Processor, { body, headers }: SentWebhook) =>
    processor.verify(Buffer.from(body), headers);
  const codeOf = async (sent: SentWebhook, processor = configured()): Promise<string> =>
    verify(processor, sent).then(
      () => 'accepted',
      (error: { code?: string }) => error.code ?? 'another error',
    );

  test('is registered by the name under which its webhooks come', () => {
    expect(configured()).toBeInstanceOf(PROCESSORS[subject.name]);
  });

  test('verifies a signed webhook and returns its id, type, time and JSON payload', async () => {
    const id = randomUUID();
    const webhook = await verify(configured(), await subject.active(id));
    expect(webhook.eventId).toBe(id);
    expect(webhook.type).toMatch(/^[A-Za-z_.0-9]+$/);
    expect(Math.abs(webhook.createdAt.getTime() - Date.now())).toBeLessThan(10_000);
    expect(JSON.parse(webhook.payload)).toEqual(expect.any(Object));
  });

  test('reads an active subscription from the webhook or by a lookup', async () => {
    const processor = configured();
    const { payload } = await verify(processor, await subject.active(randomUUID()));
    const received = processor.read(JSON.parse(payload));
    const update = received.kind === 'hint' ? await processor.api?.fetch(received.subscriptionId) : received;
    expect(update).toMatchObject({ kind: 'subscription', status: 'active', ended: false, cancelAt: null });
    expect(update?.kind === 'subscription' && update.priceIds.length).toBeGreaterThan(0);
  });

  test('fails with not_configured without its settings', async () => {
    expect(await codeOf(await subject.active('x'), subject.make(testConfig()))).toBe('not_configured');
  });

  test('rejects a webhook without a signature', async () => {
    const { body } = await subject.active(randomUUID());
    const bare = subject.name === 'apple' ? JSON.stringify({ signedPayload: 'e30.e30.' }) : body;
    expect(await codeOf({ body: bare, headers: {} })).toBe('signature_invalid');
  });

  test('rejects any change of the signed bytes', async () => {
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
        // The last base64 digit may have unused bits: then the content is unchanged.
        const outcome = typeof webhook === 'object' ? meaning(changed, inBody) : webhook;
        expect([...REFUSALS, meaning(sent, inBody)]).toContainEqual(outcome);
      }),
      { numRuns: 60 },
    );
  });

  test('rejects a signature that is too old or from the future, if its signatures expire', async () => {
    const { at } = subject;
    const aged = at
      ? await Promise.all([...subject.stale].map(async (seconds) => codeOf(await at(seconds))))
      : [];
    expect(aged).toEqual(aged.map(() => 'signature_stale'));
  });

  test('never throws for a payload that it does not understand, and never grants access for it', () => {
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

/** Payloads that resemble an event of a processor. */
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

/** Returns the bytes that the signature covers. */
function meaning({ body, headers }: SentWebhook, inBody: boolean): unknown {
  const jws = inBody
    ? (JSON.parse(body) as { signedPayload?: string }).signedPayload
    : headers.authorization?.slice('Bearer '.length);
  return jws === undefined
    ? body
    : jws.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'));
}

test('the published example of Standard Webhooks is accepted at its time and rejected 301 s away from it', async () => {
  // https://github.com/standard-webhooks/standard-webhooks, the tests of its libraries
  const processor = new StandardProcessor(
    testConfig({ STANDARD_WEBHOOK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }),
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
