import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { STANDARD_SECRET } from '../../support/drivers/standard-webhooks.js';
import {
  BY_TWILIO,
  type Messaging,
  PLAIN_SENDER,
  PUBLIC_URL,
  smsRoutes,
  startMessaging,
  TWILIO_SENDER,
} from '../../support/drivers/messaging.js';
import { eventually } from '../../support/eventually.js';
import { metric } from '../../support/metric.js';

const joinsNoParts = { ...PLAIN_SENDER, joins: false };
let messaging: Messaging;
beforeAll(async () => {
  messaging = await startMessaging({
    ...BY_TWILIO,
    ...smsRoutes(
      { prefix: '+49', senders: [TWILIO_SENDER, joinsNoParts] },
      { prefix: '+49160', senders: [joinsNoParts] },
      { prefix: '+33', maxPerHour: 2, senders: [TWILIO_SENDER] },
    ),
    SMS_PER_USER_PER_DAY: '5',
    MESSAGE_WEBHOOK_SECRET: STANDARD_SECRET,
  });
});
afterAll(() => messaging.stop());
beforeEach(() => messaging.sms.responses.clear());

describe('a text', () => {
  test('goes by the longest prefix, and is delivered when its provider says so', async () => {
    const { phone } = await messaging.member('fay');
    const id = await messaging.send('fay', { text: 'Grüße' });
    expect(await messaging.becomes('fay', id, 'sent')).toMatchObject({
      provider: 'twilio',
      parts: 1,
      price: 0.08,
      currency: 'EUR',
    });
    const [sent] = messaging.textsTo(phone);
    expect(sent).toMatchObject({ from: '+15005550006', text: 'Grüße' });
    expect(sent?.statusUrl).toBe(`${PUBLIC_URL}/v1/webhooks/twilio-status?message=${id}`);
    await messaging.report(id, { MessageSid: sent?.id ?? '', MessageStatus: 'sent' });
    await messaging.report(id, { MessageSid: sent?.id ?? '', MessageStatus: 'delivered' });
    await messaging.becomes('fay', id, 'delivered');
    const { phone: other } = await messaging.member('gus', { phone: '+4916012100010' });
    expect(await messaging.becomes('gus', await messaging.send('gus'), 'sent')).toMatchObject({
      provider: 'http',
    });
    expect(messaging.textsTo(other)).toHaveLength(1);
  });

  test('whose carrier joins no parts is sent in numbered ones, and is delivered when all of them are', async () => {
    const { phone } = await messaging.member('hal', { phone: '+4916013100010' });
    const id = await messaging.send('hal', { text: 'x'.repeat(400) });
    expect(await messaging.becomes('hal', id, 'sent')).toMatchObject({ parts: 3, price: 0.15 });
    const parts = messaging.textsTo(phone);
    expect(parts.map((one) => one.text.slice(-6))).toEqual([' (1/3)', ' (2/3)', ' (3/3)']);
    for (const [n, { id: providerId }] of parts.entries()) {
      const delivered = { messageId: id, providerId, state: 'delivered' };
      for (const copy of ['a', 'b']) await messaging.reportSigned(delivered, `${copy}${n}`);
      expect((await messaging.list('hal'))[0]?.state).toBe(n === 2 ? 'delivered' : 'sent');
    }
  });

  test('that its provider cannot take goes by the next one, and nobody gets it twice', async () => {
    const { phone } = await messaging.member('ida');
    messaging.sms.responses.next({ status: 503 });
    expect(await messaging.becomes('ida', await messaging.send('ida'), 'sent')).toMatchObject({
      provider: 'http',
      price: 0.05,
    });
    expect(messaging.textsTo(phone)).toHaveLength(1);
  });

  test('of whose fate nothing is known is not given to another provider: a report settles it', async () => {
    const { phone } = await messaging.member('jan');
    messaging.sms.responses.forAddress(phone, 'disconnect');
    const id = await messaging.send('jan');
    await eventually('it was tried', async () => Number((await messaging.list('jan'))[0]?.attempts) > 0);
    await messaging.report(id, { MessageSid: 'SMlost', MessageStatus: 'delivered' });
    expect(await messaging.becomes('jan', id, 'delivered')).toMatchObject({ provider: 'twilio' });
    expect(messaging.textsTo(phone)).toEqual([]);
  });

  test('that the carrier did not deliver goes by mail instead, if it may', async () => {
    const { phone, email } = await messaging.member('kai');
    const id = await messaging.send('kai', { channels: ['sms', 'email'], subject: 'Hello' });
    await messaging.becomes('kai', id, 'sent');
    const sid = messaging.textsTo(phone)[0]?.id ?? '';
    await messaging.report(id, { MessageSid: sid, MessageStatus: 'undelivered', ErrorCode: '30003' });
    await eventually('the mail is there', () => messaging.mailsTo(email).length === 1);
    expect(await messaging.becomes('kai', id, 'sent')).toMatchObject({ channel: 'email' });
  });

  test('a worker that died while it was sending: the text is sent again, once', async () => {
    const { phone } = await messaging.member('liv');
    const id = await messaging.send('liv', { expiresAt: new Date(Date.now() + 600_000).toISOString() });
    await messaging.becomes('liv', id, 'sent');
    await messaging.usher.database.query(
      `UPDATE message SET state = 'sending', due_at = now() WHERE id = $1`,
      [id],
    );
    await eventually('it was sent again', () => messaging.textsTo(phone).length === 2);
    await messaging.becomes('liv', id, 'sent');
  });

  test('does not go to an address that is not verified, unless it is the code that verifies it', async () => {
    await messaging.usher.backOffice.call('PUT', '/v1/users/mia/contact', { phone: '+4915112999990' });
    expect(await messaging.becomes('mia', await messaging.send('mia'), 'withdrawn')).toMatchObject({
      reason: 'not_verified',
    });
    await messaging.becomes(
      'mia',
      await messaging.send('mia', { category: 'verification', tier: 'critical' }),
      'sent',
    );
    expect(await messaging.becomes('nobody', await messaging.send('nobody'), 'withdrawn')).toMatchObject({
      reason: 'no_address',
    });
  });

  test('beyond the cap of its user is withdrawn, unless it is critical', async () => {
    await messaging.member('ned');
    for (let n = 0; n < 5; n += 1) await messaging.becomes('ned', await messaging.send('ned'), 'sent');
    expect(await messaging.becomes('ned', await messaging.send('ned'), 'withdrawn')).toMatchObject({
      reason: 'user_cap',
    });
    await messaging.becomes('ned', await messaging.send('ned', { tier: 'critical' }), 'sent');
  });

  test('beyond the cap of its prefix waits, and an alarm is raised', async () => {
    const french = ['+33612345678', '+33612345679', '+33612345680'];
    for (const [n, phone] of french.entries()) {
      await messaging.usher.backOffice.call('PUT', `/v1/users/fr${n}/contact`, {
        phone,
        phoneVerified: true,
      });
      await messaging.send(`fr${n}`);
    }
    const states = async () =>
      (await Promise.all(french.map(async (_, n) => (await messaging.list(`fr${n}`))[0]))).map((one) => [
        one?.state,
        one?.reason,
      ]);
    await eventually('two are sent, and one waits', async () => {
      const all = await states();
      return (
        all.filter(([state]) => state === 'sent').length === 2 &&
        all.some(([state, reason]) => state === 'queued' && reason === 'prefix_cap')
      );
    });
    expect(await metric(messaging.usher, 'usher_message_prefix_capped_total')).toBeGreaterThan(0);
  });
});

test('a preview says encoding, parts and what each sender would cost', async () => {
  const preview = async (body: unknown) =>
    (await messaging.usher.backOffice.call('POST', '/v1/messages/preview', body)).body;
  expect(await preview({ text: 'x'.repeat(161), to: '+4915112345678' })).toMatchObject({
    encoding: 'GSM-7',
    units: 161,
    parts: ['x'.repeat(153), 'x'.repeat(8)],
    isTooLong: false,
    senders: [
      { provider: 'twilio', parts: 2, price: 0.16, currency: 'EUR' },
      { provider: 'http', parts: 2, price: 0.1, currency: 'EUR' },
    ],
  });
  expect(await preview({ text: '😀' })).toMatchObject({ encoding: 'UCS-2', units: 2, senders: [] });
});

test('no secret, address or text is in the log', () => messaging.expectCleanLog());
