import { describe, expect, test } from '@jest/globals';
import { testConfig } from '../../support/config.js';
import { eventually } from '../../support/eventually.js';
import {
  APNS,
  settingsForOrigin,
  FCM,
  createSender,
  loggedLines,
  pushMessage,
  expectNoSecretLogged,
  metrics,
  withHost,
  type ProviderUnderTest,
  WEBPUSH,
  useFakeProviders,
} from './push-providers.js';
import type { PushMessage } from '../../../src/push/providers/push-message.js';
import type { ResilientProvider } from '../../../src/platform/sending/resilient.provider.js';
import type { SendResult } from '../../../src/platform/sending/send-result.js';

/** A deadline that a test waits for. */
const SOON_MS = 700;

useFakeProviders();

const PROVIDERS = [APNS, FCM, WEBPUSH];

describe.each(PROVIDERS)('the sender for $name', (provider) => {
  const { responses } = provider;
  const responsesOf = () => provider.fake().responses;
  const sendTo = (sender: ResilientProvider<PushMessage>, more: Partial<PushMessage> = {}) =>
    sender.send(pushMessage(provider.address(), more));
  const times = (count: number, act: () => Promise<SendResult>) =>
    Promise.all(Array.from({ length: count }, act));

  test('delivers what the provider accepts and reuses its connection', async () => {
    const sender = createSender(provider);
    const [accepted, connections] = [provider.fake().accepted.length, provider.fake().connections.total];
    for (let sent = 0; sent < 5; sent += 1) expect(await sendTo(sender)).toEqual({ is: 'delivered' });
    expect(provider.fake().accepted.length - accepted).toBe(5);
    expect(provider.fake().connections.total - connections).toBeLessThanOrEqual(2);
  });

  test.each(['unregistered', 'misconfigured', 'rejected'] as const)(
    'returns %s after a single request',
    async (is) => {
      const sender = createSender(provider);
      const requestCount = provider.fake().requestCount;
      responsesOf().defaultResponse = responses[is];
      expect(await sendTo(sender)).toMatchObject({ is });
      expect(provider.fake().requestCount - requestCount).toBe(1);
    },
  );

  test.each(['unavailable', 'rate_limited'] as const)(
    'returns retry when the provider is %s, with its Retry-After',
    async (outcome) => {
      const sender = createSender(provider);
      const requestCount = provider.fake().requestCount;
      responsesOf().defaultResponse = responses[outcome];
      const afterMs = provider.sendsRetryAfter ? 7_000 : undefined;
      expect(await sendTo(sender)).toMatchObject({ is: 'retry', afterMs });
      expect(provider.fake().requestCount - requestCount).toBe(1);
    },
  );

  test('returns retry at the deadline when the provider does not respond, and goes on working', async () => {
    const sender = createSender(provider, { timeoutMs: SOON_MS });
    await eventually('the first push is delivered', async () => (await sendTo(sender)).is === 'delivered');
    responsesOf().next('no-response');
    const start = performance.now();
    expect(await sendTo(sender)).toEqual({ is: 'retry', afterMs: undefined, reason: 'deadline' });
    expect(performance.now() - start).toBeLessThan(SOON_MS + 400);
    expect(await sendTo(sender)).toEqual({ is: 'delivered' });
  });

  test('returns retry when the provider closes its connections, and opens a new one', async () => {
    const sender = createSender(provider, { firstPauseMs: 50 });
    await sendTo(sender);
    responsesOf().next('disconnect');
    expect(await sendTo(sender)).toMatchObject({ is: 'retry' });
    expect(await sendTo(sender)).toEqual({ is: 'delivered' });
    provider.fake().connections.closeAll();
    const all = await times(20, () => sendTo(sender));
    expect(all.every(({ is }) => is === 'delivered' || is === 'retry')).toBe(true);
    await eventually('a push is delivered again', async () => (await sendTo(sender)).is === 'delivered');
  });

  test('returns retry at once when the provider refuses connections or has an untrusted certificate', async () => {
    const unreachable = createSender(provider, {}, { ...settingsForOrigin(provider, 'https://localhost:1') });
    const to = provider.name === 'webpush' ? withHost(provider.address(), 'localhost:1') : provider.address();
    expect(await unreachable.send(pushMessage(to))).toEqual({
      is: 'retry',
      afterMs: undefined,
      reason: 'ECONNREFUSED',
    });
    const distrusting = createSender(provider, {}, { PUSH_CA_FILE: '' });
    expect(await distrusting.send(pushMessage(provider.address()))).toMatchObject({
      is: 'retry',
      reason: expect.stringMatching(/CERT|SIGNED/),
    });
  });

  test('opens its circuit breaker when the provider fails, and probes until it works again', async () => {
    const sender = createSender(provider, { firstPauseMs: 150, maxInFlight: 5 });
    responsesOf().defaultResponse = responses.unavailable;
    await times(20, () => sendTo(sender));
    const requestCount = provider.fake().requestCount;
    const start = performance.now();
    const refused = await sendTo(sender);
    expect(refused).toMatchObject({ is: 'retry', reason: 'circuit_open' });
    expect(refused.is === 'retry' && refused.afterMs).toBeGreaterThan(0);
    expect(performance.now() - start).toBeLessThan(50);
    expect(provider.fake().requestCount).toBe(requestCount);
    expect(await metrics.registry.metrics()).toContain(
      `usher_push_circuits_open{vendor="${provider.name}"} 1`,
    );
    responsesOf().defaultResponse = 'ok';
    await eventually('a push is delivered again', async () => (await sendTo(sender)).is === 'delivered');
    expect(await metrics.registry.metrics()).toContain(
      `usher_push_circuits_open{vendor="${provider.name}"} 0`,
    );
  });

  test('keeps its circuit breaker closed when the provider rate-limits or finds every address dead', async () => {
    const sender = createSender(provider);
    for (const reply of [responses.rate_limited, responses.unregistered, responses.misconfigured]) {
      responsesOf().defaultResponse = reply;
      await times(20, () => sendTo(sender));
    }
    responsesOf().defaultResponse = 'ok';
    expect(await sendTo(sender)).toEqual({ is: 'delivered' });
  });

  test('limits its concurrency and returns busy for the rest', async () => {
    const sender = createSender(provider, { maxInFlight: 2, maxQueued: 2, timeoutMs: SOON_MS });
    responsesOf().defaultResponse = 'no-response';
    const all = await times(8, () => sendTo(sender));
    expect(all.filter((outcome) => 'reason' in outcome && outcome.reason === 'busy')).toHaveLength(4);
    expect(all.every(({ is }) => is === 'retry')).toBe(true);
  });

  test('does not exist without its settings', () => {
    expect(provider.make(testConfig({}))).toBeUndefined();
  });

  test('never sends a message that is too large or for another provider', async () => {
    const sender = createSender(provider);
    const requestCount = provider.fake().requestCount;
    expect(await sendTo(sender, { data: { text: 'ü'.repeat(2_050) } })).toMatchObject({
      is: 'rejected',
    });
    const other = PROVIDERS.find(({ name }) => name !== provider.name) ?? provider;
    expect(await sender.send(pushMessage(other.address()))).toMatchObject({ is: 'rejected' });
    expect(provider.fake().requestCount).toBe(requestCount);
  });

  test('raises the alarm for broken credentials, with the address only as a hash', async () => {
    const sender = createSender(provider);
    responsesOf().defaultResponse = responses.misconfigured;
    const outcome = await sendTo(sender);
    const { reason } = outcome as { reason: string };
    const line = `usher_push_misconfigured{vendor="${provider.name}",reason="${reason}"} 1`;
    expect(await metrics.registry.metrics()).toContain(line);
    expect(loggedLines.at(-1)).toMatch(new RegExp(`${reason} \\(address [0-9a-f]{8}\\)`));
  });

  test('finishes what is in flight when it closes, returns retry for later pushes, and leaves no connection open', async () => {
    const sender = createSender(provider);
    await sendTo(sender);
    responsesOf().next({ ...(provider.name === 'apns' ? { status: 200 } : slowOk(provider)), afterMs: 100 });
    const last = sendTo(sender);
    await eventually('the push is in flight', () => responsesOf().isUsedUp);
    const closed = sender.close();
    expect(await sendTo(sender)).toEqual({ is: 'retry', afterMs: undefined, reason: 'closing' });
    expect(await last).toEqual({ is: 'delivered' });
    await closed;
    await sender.close();
    await eventually('its connections are closed', () => provider.fake().connections.open === 0);
  });
});

test('no address, key or token was ever logged', expectNoSecretLogged);

const slowOk = ({ name }: ProviderUnderTest) =>
  name === 'fcm' ? { status: 200, body: { name: 'm' } } : { status: 201 };
