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

  test('delivers what the vendor accepts, and keeps its connection for the next', async () => {
    const vendor = createSender(subject);
    const [got, connections] = [subject.fake().accepted.length, subject.fake().connections.total];
    for (let sent = 0; sent < 5; sent += 1) expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
    expect(subject.fake().accepted.length - got).toBe(5);
    expect(subject.fake().connections.total - connections).toBeLessThanOrEqual(2);
  });

  test.each(['gone', 'our_fault', 'sender_fault'] as const)(
    'says %s once, without asking twice',
    async (is) => {
      const vendor = createSender(subject);
      const asked = subject.fake().requestCount;
      script().defaultResponse = responses[is];
      expect(await sendTo(vendor)).toMatchObject({ is });
      expect(subject.fake().requestCount - asked).toBe(1);
    },
  );

  test.each(['unavailable', 'rate_limited'] as const)(
    'that is %s gets the message again, when it says',
    async (outcome) => {
      const vendor = createSender(subject);
      const asked = subject.fake().requestCount;
      script().defaultResponse = responses[outcome];
      const afterMs = subject.sendsRetryAfter ? 7_000 : undefined;
      expect(await sendTo(vendor)).toMatchObject({ is: 'again', afterMs });
      expect(subject.fake().requestCount - asked).toBe(1);
    },
  );

  test('that keeps silent is answered for at the deadline, and works on', async () => {
    const vendor = createSender(subject, { deadlineMs: SOON_MS });
    await eventually('it is warm', async () => (await sendTo(vendor)).is === 'delivered');
    script().next('no-response');
    const start = performance.now();
    expect(await sendTo(vendor)).toEqual({ is: 'again', afterMs: undefined, reason: 'deadline' });
    expect(performance.now() - start).toBeLessThan(SOON_MS + 400);
    expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
  });

  test('that cuts its connections gets the message again, over a new one', async () => {
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

  test('that is not there is answered for at once, and so is one whose certificate nobody knows', async () => {
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

  test('that fails is left alone at once, and is probed until it is well', async () => {
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

  test('that paces us, or finds every address dead, is not left alone', async () => {
    const vendor = createSender(subject);
    for (const reply of [responses.rate_limited, responses.gone, responses.our_fault]) {
      script().defaultResponse = reply;
      await times(20, () => sendTo(vendor));
    }
    script().defaultResponse = 'ok';
    expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
  });

  test('takes no more at once than it may, and says so to the rest', async () => {
    const vendor = createSender(subject, { inFlight: 2, waiting: 2, deadlineMs: SOON_MS });
    script().defaultResponse = 'no-response';
    const all = await times(8, () => sendTo(vendor));
    expect(all.filter((verdict) => 'reason' in verdict && verdict.reason === 'busy')).toHaveLength(4);
    expect(all.every(({ is }) => is === 'again')).toBe(true);
  });

  test('without its settings says so, and does nothing', async () => {
    const bare = createUnconfiguredSender(subject);
    expect(bare.configured).toBe(false);
    expect(await bare.send(pushMessage(subject.address()))).toEqual({
      is: 'our_fault',
      reason: 'not_configured',
    });
  });

  test('a message that is too large, or for another vendor, is never sent', async () => {
    const vendor = createSender(subject);
    const asked = subject.fake().requestCount;
    expect(await sendTo(vendor, { data: { text: 'ü'.repeat(2_050) } })).toMatchObject({
      is: 'sender_fault',
    });
    const other = PROVIDERS.find(({ name }) => name !== subject.name) ?? subject;
    expect(await vendor.send(pushMessage(other.address()))).toMatchObject({ is: 'sender_fault' });
    expect(subject.fake().requestCount).toBe(asked);
  });

  test('broken credentials raise the alarm, with the address as a hash alone', async () => {
    const vendor = createSender(subject);
    script().defaultResponse = responses.our_fault;
    const verdict = await sendTo(vendor);
    const { reason: said } = verdict as { reason: string };
    const line = `usher_push_our_fault{vendor="${subject.name}",reason="${said}"} 1`;
    expect(await metrics.registry.metrics()).toContain(line);
    expect(loggedLines.at(-1)).toMatch(new RegExp(`${said} \\(address [0-9a-f]{8}\\)`));
  });

  test('closes: what is under way is answered, what comes later is again, and no connection is left', async () => {
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
