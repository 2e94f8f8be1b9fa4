import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { call, type HttpReply } from '../../support/drivers/back-office.js';
import { signedHeaders } from '../../support/drivers/standard-webhooks.js';
import { STANDARD_SECRET } from '../../support/drivers/standard-webhooks.js';
import { type Messaging, startMessaging } from '../../support/drivers/messaging.js';
import type { TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectNoSecrets } from '../../support/expectations.js';
import type { FakeMailServer } from '../../support/fakes/fake-mail-server.js';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  type FakeSmsProvider,
  PLAIN_TOKEN,
  postAsTwilio,
} from '../../support/fakes/fake-sms-provider.js';
import { metric } from '../../support/metric.js';

const PUBLIC_URL = 'https://usher.example.com';
const twilioSender = { provider: 'twilio', sender: '+15005550006', price: 0.08, perSecond: 500 };
const plainSender = { provider: 'http', sender: 'Usher', price: 0.05, perSecond: 500, joins: false };
const ROUTES = {
  currency: 'EUR',
  routes: [
    { prefix: '+49', senders: [twilioSender, plainSender] },
    { prefix: '+49160', senders: [plainSender] },
    { prefix: '+33', maxPerHour: 2, senders: [twilioSender] },
  ],
};

let usher: TestUsher;
let mailServer: FakeMailServer;
let sms: FakeSmsProvider;
let stop: Messaging['stop'];
beforeAll(async () => {
  ({ usher, mailServer, sms, stop } = await startMessaging({
    TWILIO_ACCOUNT_SID: ACCOUNT_SID,
    TWILIO_AUTH_TOKEN: AUTH_TOKEN,
    SMS_ROUTES: JSON.stringify(ROUTES),
    SMS_PER_USER_PER_DAY: '5',
    MESSAGE_WEBHOOK_SECRET: STANDARD_SECRET,
    SMTP_DKIM_KEY: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    }) as string,
    SMTP_DKIM_DOMAIN: 'usher.example.com',
    SMTP_DKIM_SELECTOR: 'mail',
    WEBHOOKS_PER_SECOND: '100000',
  }));
});
afterAll(() => stop());
beforeEach(() => sms.responses.clear());

let numbers = 10_000;
/** A user with a verified address of each kind that nobody else has. */
async function member(name: string, prefix = '+4915112'): Promise<{ email: string; phone: string }> {
  const contact = { email: `${name}@example.com`, phone: `${prefix}${(numbers += 1)}0`.slice(0, 14) };
  const body = { ...contact, emailVerified: true, phoneVerified: true };
  expect((await usher.backOffice.call('PUT', `/v1/users/${name}/contact`, body)).body).toMatchObject(contact);
  return contact;
}
const post = (body: Record<string, unknown>): Promise<HttpReply> =>
  usher.backOffice.call('POST', '/v1/messages', body);
async function send(userId: string, body: Record<string, unknown>): Promise<string> {
  const reply = await post({ userId, channels: ['sms'], text: 'Hello', ...body });
  expect([reply.status, reply.body.detail]).toEqual([202, undefined]);
  return String(reply.body.id);
}
interface Listed extends Record<string, unknown> {
  readonly id: string;
  readonly state: string;
}
const list = async (userId: string): Promise<Listed[]> =>
  (await usher.backOffice.call('GET', `/v1/users/${userId}/messages`)).body.messages as Listed[];
const becomes = (userId: string, id: string, state: string) =>
  eventually(`message ${id} of ${userId} is ${state}`, async () =>
    (await list(userId)).find((one) => one.id === id && one.state === state),
  );
const textsTo = (phone: string) => sms.texts.filter(({ to }) => to === phone);
const mailsTo = (email: string) => mailServer.mails.filter(({ to }) => to === email);
const twilio = (path: string, fields: Record<string, string>, token?: string) =>
  postAsTwilio({ url: usher.url, publicUrl: PUBLIC_URL, path }, fields, token);
const report = (id: string, fields: Record<string, string>) =>
  twilio(`/v1/webhooks/twilio-status?message=${id}`, fields);
/** As many at once as the connections of a lane take. */
async function aThousandTimes<T>(make: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  while (all.length < 1_000) all.push(...(await Promise.all(Array.from({ length: 20 }, make))));
  return all;
}
let sids = 0;
const text = (from: string, body: string, sid = `SMin${(sids += 1)}`, more: Record<string, string> = {}) =>
  twilio('/v1/webhooks/twilio', { MessageSid: sid, From: from, Body: body, ...more });

describe('a mail', () => {
  const mail = {
    channels: ['email'],
    category: 'promo',
    subject: 'Grüße',
    text: 'Hello in text',
    html: '<b>Hello</b>',
  };

  test('arrives over SMTP in text and HTML, with an id that does not change and a link to unsubscribe with one click', async () => {
    const { email } = await member('ada');
    const id = await send('ada', mail);
    await becomes('ada', id, 'sent');
    const [received] = mailsTo(email);
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
    expect((await list('ada'))[0]).not.toHaveProperty('text');
  });

  test('uses connections again', async () => {
    const before = mailServer.connections;
    await member('pooled');
    for (let n = 0; n < 5; n += 1) await becomes('pooled', await send('pooled', mail), 'sent');
    expect(mailServer.connections - before).toBeLessThanOrEqual(1);
  });

  test('the link of a mail ends its category by a POST and not by a GET; other categories and critical mails still come', async () => {
    const { email } = await member('bea');
    await becomes('bea', await send('bea', mail), 'sent');
    const link = new URL(mailsTo(email)[0]?.headers['list-unsubscribe']?.slice(1, -1) ?? '');
    const url = `${usher.url}${link.pathname}${link.search}`;
    expect((await fetch(url)).status).toBe(200);
    await becomes('bea', await send('bea', mail), 'sent');
    const click = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'List-Unsubscribe=One-Click',
    });
    expect(click.status).toBe(200);
    expect(await becomes('bea', await send('bea', mail), 'withdrawn')).toMatchObject({ reason: 'opted_out' });
    await becomes('bea', await send('bea', { ...mail, category: 'billing' }), 'sent');
    await becomes('bea', await send('bea', { ...mail, tier: 'critical' }), 'sent');
    expect(mailsTo(email)).toHaveLength(4);
    expect(mailsTo(email).at(-1)?.headers).not.toHaveProperty('list-unsubscribe');
  });

  test('to a mailbox that does not exist fails, and goes by text instead if it may', async () => {
    const { email, phone } = await member('cat');
    mailServer.refuse(email, 550);
    expect(await becomes('cat', await send('cat', mail), 'failed')).toMatchObject({ reason: 'smtp_550' });
    const id = await send('cat', { ...mail, channels: ['email', 'sms'] });
    expect(await becomes('cat', id, 'sent')).toMatchObject({ channel: 'sms', provider: 'twilio' });
    expect(textsTo(phone).map((one) => one.text)).toEqual(['Hello in text']);
  });

  test('to a mailbox that is busy is tried again', async () => {
    const { email } = await member('dan');
    mailServer.refuse(email, 451);
    const id = await send('dan', mail);
    await eventually('it was tried', async () => (await list('dan'))[0]?.reason === 'deferred');
    mailServer.refuse(email, 0);
    await becomes('dan', id, 'sent');
    expect(mailsTo(email)).toHaveLength(1);
  });

  test('that bounced later has failed, and nothing more goes to the address', async () => {
    await member('eve');
    const id = await send('eve', mail);
    await becomes('eve', id, 'sent');
    const body = JSON.stringify({ messageId: id, state: 'bounced', reason: '5.1.1' });
    const headers = signedHeaders(body, { id: 'bounce_1' });
    const reply = await call(usher.url, undefined, 'POST', '/v1/webhooks/messages', body, headers);
    expect(reply.body).toEqual({ received: true, applied: true });
    expect(await becomes('eve', id, 'failed')).toMatchObject({ reason: '5.1.1' });
    const next = await send('eve', { ...mail, tier: 'critical' });
    expect(await becomes('eve', next, 'withdrawn')).toMatchObject({ reason: 'opted_out' });
  });
});

describe('a text', () => {
  test('goes by the longest prefix, and is delivered when its provider says so', async () => {
    const { phone } = await member('fay');
    const id = await send('fay', { text: 'Grüße' });
    expect(await becomes('fay', id, 'sent')).toMatchObject({
      provider: 'twilio',
      parts: 1,
      price: 0.08,
      currency: 'EUR',
    });
    const [sent] = textsTo(phone);
    expect(sent).toMatchObject({ from: '+15005550006', text: 'Grüße' });
    expect(sent?.statusUrl).toBe(`${PUBLIC_URL}/v1/webhooks/twilio-status?message=${id}`);
    await report(id, { MessageSid: sent?.id ?? '', MessageStatus: 'sent' });
    await report(id, { MessageSid: sent?.id ?? '', MessageStatus: 'delivered' });
    await becomes('fay', id, 'delivered');
    const { phone: other } = await member('gus', '+4916012');
    expect(await becomes('gus', await send('gus', {}), 'sent')).toMatchObject({ provider: 'http' });
    expect(textsTo(other)).toHaveLength(1);
  });

  test('whose carrier joins no parts is sent in numbered ones, and is delivered when all of them are', async () => {
    const { phone } = await member('hal', '+4916013');
    const id = await send('hal', { text: 'x'.repeat(400) });
    expect(await becomes('hal', id, 'sent')).toMatchObject({ parts: 3, price: 0.15 });
    const parts = textsTo(phone);
    expect(parts.map((one) => one.text.slice(-6))).toEqual([' (1/3)', ' (2/3)', ' (3/3)']);
    for (const [n, { id: providerId }] of parts.entries()) {
      const body = JSON.stringify({ messageId: id, providerId, state: 'delivered' });
      for (const copy of ['a', 'b'])
        await call(
          usher.url,
          undefined,
          'POST',
          '/v1/webhooks/messages',
          body,
          signedHeaders(body, { id: `${copy}${n}` }),
        );
      expect((await list('hal'))[0]?.state).toBe(n === 2 ? 'delivered' : 'sent');
    }
  });

  test('that its provider cannot take goes by the next one, and nobody gets it twice', async () => {
    const { phone } = await member('ida');
    sms.responses.next({ status: 503 });
    expect(await becomes('ida', await send('ida', {}), 'sent')).toMatchObject({
      provider: 'http',
      price: 0.05,
    });
    expect(textsTo(phone)).toHaveLength(1);
  });

  test('of whose fate nothing is known is not given to another provider: a report settles it', async () => {
    const { phone } = await member('jan');
    sms.responses.forAddress(phone, 'disconnect');
    const id = await send('jan', {});
    await eventually('it was tried', async () => Number((await list('jan'))[0]?.attempts) > 0);
    await report(id, { MessageSid: 'SMlost', MessageStatus: 'delivered' });
    expect(await becomes('jan', id, 'delivered')).toMatchObject({ provider: 'twilio' });
    expect(textsTo(phone)).toEqual([]);
  });

  test('that the carrier did not deliver goes by mail instead, if it may', async () => {
    const { phone, email } = await member('kai');
    const id = await send('kai', { channels: ['sms', 'email'], subject: 'Hello' });
    await becomes('kai', id, 'sent');
    const sid = textsTo(phone)[0]?.id ?? '';
    await report(id, { MessageSid: sid, MessageStatus: 'undelivered', ErrorCode: '30003' });
    await eventually('the mail is there', () => mailsTo(email).length === 1);
    expect(await becomes('kai', id, 'sent')).toMatchObject({ channel: 'email' });
  });

  test('a worker that died while it was sending: the text is sent again, once', async () => {
    const { phone } = await member('liv');
    const id = await send('liv', { expiresAt: new Date(Date.now() + 600_000).toISOString() });
    await becomes('liv', id, 'sent');
    await usher.database.query(`UPDATE message SET state = 'sending', due_at = now() WHERE id = $1`, [id]);
    await eventually('it was sent again', () => textsTo(phone).length === 2);
    await becomes('liv', id, 'sent');
  });

  test('does not go to an address that is not verified, unless it is the code that verifies it', async () => {
    await usher.backOffice.call('PUT', '/v1/users/mia/contact', { phone: '+4915112999990' });
    expect(await becomes('mia', await send('mia', {}), 'withdrawn')).toMatchObject({
      reason: 'not_verified',
    });
    await becomes('mia', await send('mia', { category: 'verification', tier: 'critical' }), 'sent');
    expect(await becomes('nobody', await send('nobody', {}), 'withdrawn')).toMatchObject({
      reason: 'no_address',
    });
  });

  test('beyond the cap of its user is withdrawn, unless it is critical', async () => {
    await member('ned');
    for (let n = 0; n < 5; n += 1) await becomes('ned', await send('ned', {}), 'sent');
    expect(await becomes('ned', await send('ned', {}), 'withdrawn')).toMatchObject({ reason: 'user_cap' });
    await becomes('ned', await send('ned', { tier: 'critical' }), 'sent');
  });

  test('beyond the cap of its prefix waits, and an alarm is raised', async () => {
    const french = ['+33612345678', '+33612345679', '+33612345680'];
    for (const [n, phone] of french.entries()) {
      await usher.backOffice.call('PUT', `/v1/users/fr${n}/contact`, { phone, phoneVerified: true });
      await send(`fr${n}`, {});
    }
    const states = async () =>
      (await Promise.all(french.map(async (_, n) => (await list(`fr${n}`))[0]))).map((one) => [
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
    expect(await metric(usher, 'usher_message_prefix_capped_total')).toBeGreaterThan(0);
  });
});

describe('a text that comes in', () => {
  const optedOut = async (userId: string) => {
    const one = await eventually('it is decided', async () => {
      const id = await send(userId, { tier: 'critical' });
      return eventually('it ended', async () =>
        (await list(userId)).find(
          (listed) => listed.id === id && listed.state !== 'queued' && listed.state !== 'sending',
        ),
      );
    });
    return one.state === 'withdrawn' && one.reason === 'opted_out';
  };

  test.each(['STOP', 'stop', ' Stop! ', 'Stop all', 'UNSUBSCRIBE', 'stopp.', 'Abmelden'])(
    '%p ends texts to the number, START begins them again',
    async (word) => {
      const name = `stop-${word.replaceAll(/\W/g, '').toLowerCase()}-${word.length}`;
      const { phone } = await member(name);
      expect((await text(phone, word)).text).toContain('<Message>');
      expect(await optedOut(name)).toBe(true);
      await text(phone, 'START');
      expect(await optedOut(name)).toBe(false);
    },
  );

  test('a message that was queued before STOP came is not sent after it', async () => {
    const { phone } = await member('ola');
    // Both are on their way at the same time. Whichever is stored first: once STOP has its 200, nothing more goes out.
    const [reply] = await Promise.all([text(phone, 'STOP'), send('ola', {}), send('ola', {})]);
    expect(reply.status).toBe(200);
    const sentBefore = textsTo(phone).length;
    await eventually('all are decided', async () =>
      (await list('ola')).every(({ state }) => state === 'sent' || state === 'withdrawn'),
    );
    expect(textsTo(phone).length - sentBefore).toBeLessThanOrEqual(1);
    expect(await optedOut('ola')).toBe(true);
  });

  test('STOP is about the number: it ends the texts of all who have it', async () => {
    const { phone } = await member('pam');
    await usher.backOffice.call('PUT', '/v1/users/pam-son/contact', { phone, phoneVerified: true });
    await text(phone, 'STOP');
    expect([await optedOut('pam'), await optedOut('pam-son')]).toEqual([true, true]);
  });

  test('that is sent a hundred times is stored once, and an old STOP does not end what START began', async () => {
    const { phone } = await member('quin');
    await text(phone, 'STOP', 'SMrepeated');
    await text(phone, 'START');
    const copies = await Promise.all(Array.from({ length: 100 }, () => text(phone, 'STOP', 'SMrepeated')));
    expect(copies.every(({ status }) => status === 200)).toBe(true);
    expect(await optedOut('quin')).toBe(false);
    const rows = await usher.database.query(`SELECT 1 FROM inbound_text WHERE provider_id = 'SMrepeated'`);
    expect(rows).toHaveLength(1);
  });

  test('and is no keyword is for the back office to read, with who sent it, and is encrypted until then', async () => {
    const { phone } = await member('rex');
    expect((await text(phone, 'When does it start?', 'SMquestion')).text).toMatch(/<Response><\/Response>$/);
    await text('+4915112888880', 'Who are you?', 'SMstranger');
    const { texts } = (await usher.backOffice.call('GET', '/v1/messages/inbound?limit=2')).body as {
      texts: Record<string, unknown>[];
    };
    expect(texts).toMatchObject([
      { providerId: 'SMstranger', userId: null, from: '+4915112888880', text: 'Who are you?' },
      { providerId: 'SMquestion', userId: 'rex', from: phone, text: 'When does it start?', keyword: null },
    ]);
    const rows = await usher.database.query(`SELECT encode(body, 'escape') AS body FROM inbound_text`);
    expect(JSON.stringify(rows)).not.toContain('start?');
  });

  test('gets no second reply when Twilio has replied to it', async () => {
    const { phone } = await member('sue');
    const reply = await text(phone, 'STOP', 'SMhandled', { OptOutType: 'STOP' });
    expect(reply.text).not.toContain('<Message>');
    expect(await optedOut('sue')).toBe(true);
  });
});

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
    const reply = await post({ userId: 'ada', channels: ['sms'], text: 'Hello', ...body });
    expect([reply.status, reply.body.code]).toEqual([400, 'invalid_request']);
    expect(JSON.stringify(reply.body)).toContain(why);
  });

  test('callbacks that Twilio did not sign, or of which a field was changed', async () => {
    expect(
      (await twilio('/v1/webhooks/twilio', { MessageSid: 'SM1', From: '+1', Body: 'STOP' }, 'another'))
        .status,
    ).toBe(400);
    expect(
      (await twilio('/v1/webhooks/twilio-status?message=a', { MessageSid: 'SM1' }, 'another')).status,
    ).toBe(400);
    const unsigned = await fetch(`${usher.url}/v1/webhooks/twilio`, {
      method: 'POST',
      body: 'From=%2B1&Body=STOP',
    });
    expect(unsigned.status).toBe(400);
  });

  test('a callback for a message that was not sent, and the same callback a thousand times', async () => {
    const { phone } = await member('tom');
    const id = await send('tom', {});
    await becomes('tom', id, 'sent');
    const sid = textsTo(phone)[0]?.id ?? '';
    expect((await report('unknown', { MessageSid: 'SM9', MessageStatus: 'delivered' })).status).toBe(204);
    const copies = await aThousandTimes(() => report(id, { MessageSid: sid, MessageStatus: 'delivered' }));
    expect(copies.every(({ status }) => status === 204)).toBe(true);
    await report(id, { MessageSid: sid, MessageStatus: 'failed', ErrorCode: '30005' });
    expect((await list('tom')).map(({ state }) => state)).toEqual(['delivered']);
    const applied = await metric(usher, 'usher_message_reports_total');
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
    const { email } = await member(user);
    const mail = { channels: ['email'], category: 'promo', subject: 'Hi' };
    await becomes(user, await send(user, mail), 'sent');
    const link = mailsTo(email)[0]?.headers['list-unsubscribe'] ?? '';
    const token = /token=([\w-]+)/.exec(link)?.[1] ?? '';
    for (const method of ['GET', 'POST']) {
      const reply = await call(
        usher.url,
        undefined,
        method,
        `/v1/webhooks/unsubscribe?token=${tamper(token)}`,
      );
      expect([reply.status, reply.body.code]).toEqual([400, 'signature_invalid']);
    }
    await becomes(user, await send(user, mail), 'sent');
  });
});

test('a preview says encoding, parts and what each sender would cost', async () => {
  const preview = async (body: unknown) =>
    (await usher.backOffice.call('POST', '/v1/messages/preview', body)).body;
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

test('no secret, address or text is in the log', () => {
  const log = usher.log();
  expectNoSecrets({ ...usher.secrets(), AUTH_TOKEN, PLAIN_TOKEN, smtp: 'password of the mail server' }, log);
  expect(log).not.toContain('@example.com');
  expect(log).not.toContain('+4915112');
  expect(log).not.toContain('Hello');
});
