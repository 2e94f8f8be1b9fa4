import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { BY_TWILIO, type Messaging, startMessaging } from '../../support/drivers/messaging.js';
import { metric } from '../../support/metric.js';
import { repeat } from '../../support/repeat.js';

let messaging: Messaging;
beforeAll(async () => {
  messaging = await startMessaging({ ...BY_TWILIO, WEBHOOKS_PER_SECOND: '100000' });
});
afterAll(() => messaging.stop());

describe('what is refused, or changes nothing', () => {
  test.each([
    ['a text of too many parts, with their count', { text: 'x'.repeat(1_531) }, 'takes 11 parts'],
    ['a mail without a subject', { channels: ['email'] }, 'subject'],
    [
      'a subject with a header in it',
      { channels: ['email'], subject: 'Hi\r\nBcc: eve@example.com' },
      'control',
    ],
    ['a text with a control character', { text: 'a\u0000b' }, 'control'],
    ['no channel', { channels: [] }, 'channels'],
    ['a channel twice', { channels: ['sms', 'sms'] }, 'once'],
    ['a channel that is none', { channels: ['fax'] }, 'channels'],
    ['a category that is none', { category: 'Promo!' }, 'category'],
    ['an end in the past', { expiresAt: '2020-01-01T00:00:00Z' }, 'future'],
    [
      'an end in a month',
      { expiresAt: new Date(Date.now() + 30 * 86_400_000).toISOString() },
      'within 7 days',
    ],
    ['a field that nobody knows', { chanels: ['sms'] }, 'did you mean channels'],
  ])('%s', async (_, body, why) => {
    const reply = await messaging.post({ userId: 'ada', channels: ['sms'], text: 'Hello', ...body });
    expect([reply.status, reply.body.code]).toEqual([400, 'invalid_request']);
    expect(JSON.stringify(reply.body)).toContain(why);
  });

  test('callbacks that Twilio did not sign, or of which a field was changed', async () => {
    expect(
      (
        await messaging.callAsTwilio(
          '/v1/webhooks/twilio',
          { MessageSid: 'SM1', From: '+1', Body: 'STOP' },
          'another',
        )
      ).status,
    ).toBe(400);
    expect(
      (await messaging.callAsTwilio('/v1/webhooks/twilio-status?message=a', { MessageSid: 'SM1' }, 'another'))
        .status,
    ).toBe(400);
    const unsigned = await fetch(`${messaging.usher.url}/v1/webhooks/twilio`, {
      method: 'POST',
      body: 'From=%2B1&Body=STOP',
    });
    expect(unsigned.status).toBe(400);
  });

  test('a callback for a message that was not sent, and the same callback a thousand times', async () => {
    const { phone } = await messaging.member('tom');
    const id = await messaging.send('tom');
    await messaging.becomes('tom', id, 'sent');
    const sid = messaging.textsTo(phone)[0]?.id ?? '';
    expect(
      (await messaging.report('unknown', { MessageSid: 'SM9', MessageStatus: 'delivered' })).status,
    ).toBe(204);
    const copies = await repeat(1_000, () =>
      messaging.report(id, { MessageSid: sid, MessageStatus: 'delivered' }),
    );
    expect(copies.every(({ status }) => status === 204)).toBe(true);
    await messaging.report(id, { MessageSid: sid, MessageStatus: 'failed', ErrorCode: '30005' });
    expect((await messaging.list('tom')).map(({ state }) => state)).toEqual(['delivered']);
    const applied = await metric(messaging.usher, 'usher_message_reports_total');
    expect(applied).toBeGreaterThanOrEqual(1_002);
  });

  test.each([
    ['cut', (token: string) => token.slice(0, -4)],
    [
      'with another category',
      (token: string) =>
        Buffer.concat([Buffer.from(token, 'base64url'), Buffer.from('x')]).toString('base64url'),
    ],
    ['with a letter changed', (token: string) => (token.startsWith('A') ? 'B' : 'A') + token.slice(1)],
    [
      'with a letter in the hash changed',
      (token: string) => `${token.slice(0, 40)}${token[40] === 'A' ? 'B' : 'A'}${token.slice(41)}`,
    ],
    ['that is none', () => 'unsubscribe-me'],
    ['that is empty', () => ''],
  ])('a link to unsubscribe %s', async (name, tamper) => {
    const user = `link-${name.replaceAll(' ', '-')}`;
    const { email } = await messaging.member(user);
    const mail = { channels: ['email'], category: 'promo', subject: 'Hi' };
    await messaging.becomes(user, await messaging.send(user, mail), 'sent');
    const link = messaging.mailsTo(email)[0]?.headers['list-unsubscribe'] ?? '';
    const token = /token=([\w-]+)/.exec(link)?.[1] ?? '';
    for (const method of ['GET', 'POST']) {
      const reply = await call(
        messaging.usher.url,
        undefined,
        method,
        `/v1/webhooks/unsubscribe?token=${tamper(token)}`,
      );
      expect([reply.status, reply.body.code]).toEqual([400, 'signature_invalid']);
    }
    await messaging.becomes(user, await messaging.send(user, mail), 'sent');
  });
});

test('no secret, address or text is in the log', () => messaging.expectCleanLog());
