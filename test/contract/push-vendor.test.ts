import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import {
  APNS,
  at,
  configOf,
  FCM,
  resilient,
  logged,
  message,
  noSecretWasLogged,
  metrics,
  movedTo,
  type Subject,
  WEBPUSH,
  withPretendVendors,
} from '../support/push-vendors.js';
import type { PushMessage } from '../../src/push/providers/push-message.js';
import type { ResilientProvider } from '../../src/push/providers/resilient.provider.js';
import type { SendResult } from '../../src/push/providers/send-result.js';

/** What a test waits for on purpose. */
const SOON_MS = 700;

withPretendVendors();

const SUBJECTS = [APNS, FCM, WEBPUSH];

describe.each(SUBJECTS)('$name', (subject) => {
  const { replies } = subject;
  const script = () => subject.pretend().script;
  const sendTo = (vendor: ResilientProvider, more: Partial<PushMessage> = {}) =>
    vendor.send(message(subject.address(), more));
  const times = (count: number, act: () => Promise<SendResult>) =>
    Promise.all(Array.from({ length: count }, act));

  test('delivers what the vendor accepts, and keeps its connection for the next', async () => {
    const vendor = resilient(subject);
    const [got, connections] = [subject.pretend().got.length, subject.pretend().connections];
    for (let sent = 0; sent < 5; sent += 1) expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
    expect(subject.pretend().got.length - got).toBe(5);
    expect(subject.pretend().connections - connections).toBeLessThanOrEqual(2);
  });

  test.each(['unregistered', 'misconfigured', 'rejected'] as const)(
    'says %s once, without asking twice',
    async (is) => {
      const vendor = resilient(subject);
      const asked = subject.pretend().asked;
      script().otherwise = replies[is];
      expect(await sendTo(vendor)).toMatchObject({ is });
      expect(subject.pretend().asked - asked).toBe(1);
    },
  );

  test.each(['away', 'paced'] as const)('that is %s gets the message again, when it says', async (mood) => {
    const vendor = resilient(subject);
    const asked = subject.pretend().asked;
    script().otherwise = replies[mood];
    const afterMs = subject.saysWhen ? 7_000 : undefined;
    expect(await sendTo(vendor)).toMatchObject({ is: 'retry', afterMs });
    expect(subject.pretend().asked - asked).toBe(1);
  });

  test('that keeps silent is answered for at the deadline, and works on', async () => {
    const vendor = resilient(subject, { timeoutMs: SOON_MS });
    await eventually('it is warm', async () => (await sendTo(vendor)).is === 'delivered');
    script().next('silent');
    const start = performance.now();
    expect(await sendTo(vendor)).toEqual({ is: 'retry', afterMs: undefined, reason: 'deadline' });
    expect(performance.now() - start).toBeLessThan(SOON_MS + 400);
    expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
  });

  test('that cuts its connections gets the message again, over a new one', async () => {
    const vendor = resilient(subject, { firstPauseMs: 50 });
    await sendTo(vendor);
    script().next('cut');
    expect(await sendTo(vendor)).toMatchObject({ is: 'retry' });
    expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
    subject.pretend().cut();
    const all = await times(20, () => sendTo(vendor));
    expect(all.every(({ is }) => is === 'delivered' || is === 'retry')).toBe(true);
    await eventually('it is back', async () => (await sendTo(vendor)).is === 'delivered');
  });

  test('that is not there is answered for at once, and so is one whose certificate nobody knows', async () => {
    const nowhere = resilient(subject, {}, { ...at(subject, 'https://localhost:1') });
    const to = subject.name === 'webpush' ? movedTo(subject.address(), 'localhost:1') : subject.address();
    expect(await nowhere.send(message(to))).toEqual({
      is: 'retry',
      afterMs: undefined,
      reason: 'ECONNREFUSED',
    });
    const distrusting = resilient(subject, {}, { PUSH_CA_FILE: '' });
    expect(await distrusting.send(message(subject.address()))).toMatchObject({
      is: 'retry',
      reason: expect.stringMatching(/CERT|SIGNED/),
    });
  });

  test('that fails is left alone at once, and is probed until it is well', async () => {
    const vendor = resilient(subject, { firstPauseMs: 150, maxInFlight: 5 });
    script().otherwise = replies.away;
    await times(20, () => sendTo(vendor));
    const asked = subject.pretend().asked;
    const start = performance.now();
    const refused = await sendTo(vendor);
    expect(refused).toMatchObject({ is: 'retry', reason: 'circuit_open' });
    expect(refused.is === 'retry' && refused.afterMs).toBeGreaterThan(0);
    expect(performance.now() - start).toBeLessThan(50);
    expect(subject.pretend().asked).toBe(asked);
    expect(await metrics.registry.metrics()).toContain(
      `usher_push_circuits_open{vendor="${subject.name}"} 1`,
    );
    script().otherwise = 'ok';
    await eventually('it is well again', async () => (await sendTo(vendor)).is === 'delivered');
    expect(await metrics.registry.metrics()).toContain(
      `usher_push_circuits_open{vendor="${subject.name}"} 0`,
    );
  });

  test('that paces us, or finds every address dead, is not left alone', async () => {
    const vendor = resilient(subject);
    for (const reply of [replies.paced, replies.unregistered, replies.misconfigured]) {
      script().otherwise = reply;
      await times(20, () => sendTo(vendor));
    }
    script().otherwise = 'ok';
    expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
  });

  test('takes no more at once than it may, and says so to the rest', async () => {
    const vendor = resilient(subject, { maxInFlight: 2, maxQueued: 2, timeoutMs: SOON_MS });
    script().otherwise = 'silent';
    const all = await times(8, () => sendTo(vendor));
    expect(all.filter((verdict) => 'reason' in verdict && verdict.reason === 'busy')).toHaveLength(4);
    expect(all.every(({ is }) => is === 'retry')).toBe(true);
  });

  test('without its settings there is none', () => {
    expect(subject.make(configOf({}))).toBeUndefined();
  });

  test('a message that is too large, or for another vendor, is never sent', async () => {
    const vendor = resilient(subject);
    const asked = subject.pretend().asked;
    expect(await sendTo(vendor, { data: { text: 'ü'.repeat(2_050) } })).toMatchObject({
      is: 'rejected',
    });
    const other = SUBJECTS.find(({ name }) => name !== subject.name) ?? subject;
    expect(await vendor.send(message(other.address()))).toMatchObject({ is: 'rejected' });
    expect(subject.pretend().asked).toBe(asked);
  });

  test('broken credentials raise the alarm, with the address as a hash alone', async () => {
    const vendor = resilient(subject);
    script().otherwise = replies.misconfigured;
    const verdict = await sendTo(vendor);
    const { reason: said } = verdict as { reason: string };
    const line = `usher_push_misconfigured{vendor="${subject.name}",reason="${said}"} 1`;
    expect(await metrics.registry.metrics()).toContain(line);
    expect(logged.at(-1)).toMatch(new RegExp(`${said} \\(address [0-9a-f]{8}\\)`));
  });

  test('closes: what is under way is answered, what comes later is again, and no connection is left', async () => {
    const vendor = resilient(subject);
    await sendTo(vendor);
    script().next({ ...(subject.name === 'apns' ? { status: 200 } : slowOk(subject)), afterMs: 100 });
    const last = sendTo(vendor);
    await eventually('it is under way', () => script().isSpent);
    const closed = vendor.close();
    expect(await sendTo(vendor)).toEqual({ is: 'retry', afterMs: undefined, reason: 'closing' });
    expect(await last).toEqual({ is: 'delivered' });
    await closed;
    await vendor.close();
    await eventually('its connections are gone', () => subject.pretend().openConnections === 0);
  });
});

test('no address, key or token was ever logged', noSecretWasLogged);

const slowOk = ({ name }: Subject) =>
  name === 'fcm' ? { status: 200, body: { name: 'm' } } : { status: 201 };
