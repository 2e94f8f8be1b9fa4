import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { STANDARD_SECRET } from '../../support/drivers/standard-webhooks.js';
import { BY_TWILIO, type Messaging, startMessaging } from '../../support/drivers/messaging.js';
import { eventually } from '../../support/eventually.js';

let messaging: Messaging;
beforeAll(async () => {
  messaging = await startMessaging({
    ...BY_TWILIO,
    MESSAGE_WEBHOOK_SECRET: STANDARD_SECRET,
    SMTP_DKIM_KEY: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    }) as string,
    SMTP_DKIM_DOMAIN: 'usher.example.com',
    SMTP_DKIM_SELECTOR: 'mail',
  });
});
afterAll(() => messaging.stop());

describe('a mail', () => {
  const mail = {
    channels: ['email'],
    category: 'promo',
    subject: 'Grüße',
    text: 'Hello in text',
    html: '<b>Hello</b>',
  };

  test('arrives over SMTP in text and HTML, with an id that does not change and a link to unsubscribe with one click', async () => {
    const { email } = await messaging.member('ada');
    const id = await messaging.send('ada', mail);
    await messaging.becomes('ada', id, 'sent');
    const [received] = messaging.mailsTo(email);
    expect(received?.headers).toMatchObject({
      from: 'Usher <no-reply@usher.example.com>',
      to: email,
      subject: '=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=',
      'message-id': `<${id}@usher.example.com>`,
      'list-unsubscribe': expect.stringMatching(
        /^<https:\/\/usher\.example\.com\/v1\/webhooks\/unsubscribe\?token=[\w-]+>$/,
      ),
      'list-unsubscribe-post': 'List-Unsubscribe=One-Click',
    });
    expect(received?.headers['dkim-signature']).toMatch(
      /d=usher\.example\.com;.* h=[^;]*list-unsubscribe:list-unsubscribe-post/i,
    );
    expect(received?.source).toContain('Hello in text');
    expect(received?.source).toContain('<b>Hello</b>');
    expect((await messaging.list('ada'))[0]).not.toHaveProperty('text');
  });

  test('uses connections again', async () => {
    const before = messaging.mailServer.connections;
    await messaging.member('pooled');
    for (let n = 0; n < 5; n += 1)
      await messaging.becomes('pooled', await messaging.send('pooled', mail), 'sent');
    expect(messaging.mailServer.connections - before).toBeLessThanOrEqual(1);
  });

  test('the link of a mail ends its category by a POST and not by a GET; other categories and critical mails still come', async () => {
    const { email } = await messaging.member('bea');
    await messaging.becomes('bea', await messaging.send('bea', mail), 'sent');
    const link = new URL(messaging.mailsTo(email)[0]?.headers['list-unsubscribe']?.slice(1, -1) ?? '');
    const url = `${messaging.usher.url}${link.pathname}${link.search}`;
    expect((await fetch(url)).status).toBe(200);
    await messaging.becomes('bea', await messaging.send('bea', mail), 'sent');
    const click = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'List-Unsubscribe=One-Click',
    });
    expect(click.status).toBe(200);
    expect(await messaging.becomes('bea', await messaging.send('bea', mail), 'withdrawn')).toMatchObject({
      reason: 'opted_out',
    });
    await messaging.becomes('bea', await messaging.send('bea', { ...mail, category: 'billing' }), 'sent');
    await messaging.becomes('bea', await messaging.send('bea', { ...mail, tier: 'critical' }), 'sent');
    expect(messaging.mailsTo(email)).toHaveLength(4);
    expect(messaging.mailsTo(email).at(-1)?.headers).not.toHaveProperty('list-unsubscribe');
  });

  test('to a mailbox that does not exist fails, and goes by text instead if it may', async () => {
    const { email, phone } = await messaging.member('cat');
    messaging.mailServer.refuse(email, 550);
    expect(await messaging.becomes('cat', await messaging.send('cat', mail), 'failed')).toMatchObject({
      reason: 'smtp_550',
    });
    const id = await messaging.send('cat', { ...mail, channels: ['email', 'sms'] });
    expect(await messaging.becomes('cat', id, 'sent')).toMatchObject({ channel: 'sms', provider: 'twilio' });
    expect(messaging.textsTo(phone).map((one) => one.text)).toEqual(['Hello in text']);
  });

  test('to a mailbox that is busy is tried again', async () => {
    const { email } = await messaging.member('dan');
    messaging.mailServer.refuse(email, 451);
    const id = await messaging.send('dan', mail);
    await eventually('it was tried', async () => (await messaging.list('dan'))[0]?.reason === 'deferred');
    messaging.mailServer.refuse(email, 0);
    await messaging.becomes('dan', id, 'sent');
    expect(messaging.mailsTo(email)).toHaveLength(1);
  });

  test('that bounced later has failed, and nothing more goes to the address', async () => {
    await messaging.member('eve');
    const id = await messaging.send('eve', mail);
    await messaging.becomes('eve', id, 'sent');
    const bounced = { messageId: id, state: 'bounced', reason: '5.1.1' };
    const reply = await messaging.reportSigned(bounced, 'bounce_1');
    expect(reply.body).toEqual({ received: true, applied: true });
    expect(await messaging.becomes('eve', id, 'failed')).toMatchObject({ reason: '5.1.1' });
    const next = await messaging.send('eve', { ...mail, tier: 'critical' });
    expect(await messaging.becomes('eve', next, 'withdrawn')).toMatchObject({ reason: 'opted_out' });
  });
});

test('no secret, address or text is in the log', () => messaging.expectCleanLog());
