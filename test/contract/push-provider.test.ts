import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
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
  createUnconfiguredSender,
  WEBPUSH,
  useFakeProviders,
} from './push-providers.js';
import type { GuardedVendor } from '../../src/push/guard.sender.js';
import type { PushMessage, Verdict } from '../../src/push/vendor.js';

/** A deadline that a test waits for. */
const SOON_MS = 700;

useFakeProviders();

const PROVIDERS = [APNS, FCM, WEBPUSH];

describe.each(PROVIDERS)('the sender for $name', (subject) => {
  const { responses } = subject;
  const script = () => subject.fake().responses;
  const sendTo = (vendor: GuardedVendor, more: Partial<PushMessage> = {}) =>
    vendor.send(pushMessage(subject.address(), more));
  const times = (count: number, act: () => Promise<Verdict>) =>
    Promise.all(Array.from({ length: count }, act));

  test('delivers what the provider accepts and reuses its connection', async () => {
    const vendor = createSender(subject);
    const [got, connections] = [subject.fake().accepted.length, subject.fake().connections.total];
    for (let sent = 0; sent < 5; sent += 1) expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
    expect(subject.fake().accepted.length - got).toBe(5);
    expect(subject.fake().connections.total - connections).toBeLessThanOrEqual(2);
  });

  test.each(['gone', 'our_fault', 'sender_fault'] as const)(
    'returns %s after a single request',
    async (is) => {
      const vendor = createSender(subject);
      const asked = subject.fake().requestCount;
      script().defaultResponse = responses[is];
      expect(await sendTo(vendor)).toMatchObject({ is });
      expect(subject.fake().requestCount - asked).toBe(1);
    },
  );

  test.each(['unavailable', 'rate_limited'] as const)(
    'returns again when the provider is %s, with its Retry-After',
    async (outcome) => {
      const vendor = createSender(subject);
      const asked = subject.fake().requestCount;
      script().defaultResponse = responses[outcome];
      const afterMs = subject.sendsRetryAfter ? 7_000 : undefined;
      expect(await sendTo(vendor)).toMatchObject({ is: 'again', afterMs });
      expect(subject.fake().requestCount - asked).toBe(1);
    },
  );

  test('returns again at the deadline when the provider does not respond, and goes on working', async () => {
    const vendor = createSender(subject, { deadlineMs: SOON_MS });
    await eventually('it is warm', async () => (await sendTo(vendor)).is === 'delivered');
    script().next('no-response');
    const start = performance.now();
    expect(await sendTo(vendor)).toEqual({ is: 'again', afterMs: undefined, reason: 'deadline' });
    expect(performance.now() - start).toBeLessThan(SOON_MS + 400);
    expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
  });

  test('returns again when the provider closes its connections, and opens a new one', async () => {
    const vendor = createSender(subject, { pauseMs: 50 });
    await sendTo(vendor);
    script().next('disconnect');
    expect(await sendTo(vendor)).toMatchObject({ is: 'again' });
    expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
    subject.fake().connections.closeAll();
    const all = await times(20, () => sendTo(vendor));
    expect(all.every(({ is }) => is === 'delivered' || is === 'again')).toBe(true);
    await eventually('it is back', async () => (await sendTo(vendor)).is === 'delivered');
  });

  test('returns again at once when the provider refuses connections or has an untrusted certificate', async () => {
    const nowhere = createSender(subject, {}, { ...settingsForOrigin(subject, 'https://localhost:1') });
    const to = subject.name === 'webpush' ? withHost(subject.address(), 'localhost:1') : subject.address();
    expect(await nowhere.send(pushMessage(to))).toEqual({
      is: 'again',
      afterMs: undefined,
      reason: 'ECONNREFUSED',
    });
    const distrusting = createSender(subject, {}, { PUSH_CA_FILE: '' });
    expect(await distrusting.send(pushMessage(subject.address()))).toMatchObject({
      is: 'again',
      reason: expect.stringMatching(/CERT|SIGNED/),
    });
  });

  test('opens its circuit breaker when the provider fails, and probes until it works again', async () => {
    const vendor = createSender(subject, { pauseMs: 150, inFlight: 5 });
    script().defaultResponse = responses.unavailable;
    await times(20, () => sendTo(vendor));
    const asked = subject.fake().requestCount;
    const start = performance.now();
    const refused = await sendTo(vendor);
    expect(refused).toMatchObject({ is: 'again', reason: 'circuit_open' });
    expect(refused.is === 'again' && refused.afterMs).toBeGreaterThan(0);
    expect(performance.now() - start).toBeLessThan(50);
    expect(subject.fake().requestCount).toBe(asked);
    expect(await metrics.registry.metrics()).toContain(
      `usher_push_circuits_open{vendor="${subject.name}"} 1`,
    );
    script().defaultResponse = 'ok';
    await eventually('it is well again', async () => (await sendTo(vendor)).is === 'delivered');
    expect(await metrics.registry.metrics()).toContain(
      `usher_push_circuits_open{vendor="${subject.name}"} 0`,
    );
  });

  test('keeps its circuit breaker closed when the provider rate-limits or finds every address dead', async () => {
    const vendor = createSender(subject);
    for (const reply of [responses.rate_limited, responses.gone, responses.our_fault]) {
      script().defaultResponse = reply;
      await times(20, () => sendTo(vendor));
    }
    script().defaultResponse = 'ok';
    expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
  });

  test('limits its concurrency and returns busy for the rest', async () => {
    const vendor = createSender(subject, { inFlight: 2, waiting: 2, deadlineMs: SOON_MS });
    script().defaultResponse = 'no-response';
    const all = await times(8, () => sendTo(vendor));
    expect(all.filter((verdict) => 'reason' in verdict && verdict.reason === 'busy')).toHaveLength(4);
    expect(all.every(({ is }) => is === 'again')).toBe(true);
  });

  test('returns not_configured without its settings', async () => {
    const bare = createUnconfiguredSender(subject);
    expect(bare.configured).toBe(false);
    expect(await bare.send(pushMessage(subject.address()))).toEqual({
      is: 'our_fault',
      reason: 'not_configured',
    });
  });

  test('never sends a message that is too large or for another provider', async () => {
    const vendor = createSender(subject);
    const asked = subject.fake().requestCount;
    expect(await sendTo(vendor, { data: { text: 'ü'.repeat(2_050) } })).toMatchObject({
      is: 'sender_fault',
    });
    const other = PROVIDERS.find(({ name }) => name !== subject.name) ?? subject;
    expect(await vendor.send(pushMessage(other.address()))).toMatchObject({ is: 'sender_fault' });
    expect(subject.fake().requestCount).toBe(asked);
  });

  test('raises the alarm for broken credentials, with the address only as a hash', async () => {
    const vendor = createSender(subject);
    script().defaultResponse = responses.our_fault;
    const verdict = await sendTo(vendor);
    const { reason: said } = verdict as { reason: string };
    const line = `usher_push_our_fault{vendor="${subject.name}",reason="${said}"} 1`;
    expect(await metrics.registry.metrics()).toContain(line);
    expect(loggedLines.at(-1)).toMatch(new RegExp(`${said} \\(address [0-9a-f]{8}\\)`));
  });

  test('finishes what is in flight when it closes, returns again for later pushes, and leaves no connection open', async () => {
    const vendor = createSender(subject);
    await sendTo(vendor);
    script().next({ ...(subject.name === 'apns' ? { status: 200 } : slowOk(subject)), afterMs: 100 });
    const last = sendTo(vendor);
    await eventually('it is under way', () => script().isUsedUp);
    const closed = vendor.close();
    expect(await sendTo(vendor)).toEqual({ is: 'again', afterMs: undefined, reason: 'closing' });
    expect(await last).toEqual({ is: 'delivered' });
    await closed;
    await vendor.close();
    await eventually('its connections are gone', () => subject.fake().connections.open === 0);
  });
});

test('no address, key or token was ever logged', expectNoSecretLogged);

const slowOk = ({ name }: ProviderUnderTest) =>
  name === 'fcm' ? { status: 200, body: { name: 'm' } } : { status: 201 };
