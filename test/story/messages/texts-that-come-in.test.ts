import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BY_TWILIO, type Messaging, startMessaging } from '../../support/drivers/messaging.js';
import { eventually } from '../../support/eventually.js';
import { repeat } from '../../support/repeat.js';

let messaging: Messaging;
beforeAll(async () => {
  messaging = await startMessaging({ ...BY_TWILIO, WEBHOOKS_PER_SECOND: '100000' });
});
afterAll(() => messaging.stop());

let sids = 0;
const text = (from: string, body: string, sid = `SMin${(sids += 1)}`, more: Record<string, string> = {}) =>
  messaging.callAsTwilio('/v1/webhooks/twilio', { MessageSid: sid, From: from, Body: body, ...more });

describe('a text that comes in', () => {
  const optedOut = async (userId: string) => {
    const one = await eventually('it is decided', async () => {
      const id = await messaging.send(userId, { tier: 'critical' });
      return eventually('it ended', async () =>
        (await messaging.list(userId)).find(
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
      const { phone } = await messaging.member(name);
      expect((await text(phone, word)).text).toContain('<Message>');
      expect(await optedOut(name)).toBe(true);
      await text(phone, 'START');
      expect(await optedOut(name)).toBe(false);
    },
  );

  test('a message that was queued before STOP came is not sent after it', async () => {
    const { phone } = await messaging.member('ola');
    // Both are on their way at the same time. Whichever is stored first: once STOP has its 200, nothing more goes out.
    const [reply] = await Promise.all([text(phone, 'STOP'), messaging.send('ola'), messaging.send('ola')]);
    expect(reply.status).toBe(200);
    const sentBefore = messaging.textsTo(phone).length;
    await eventually('all are decided', async () =>
      (await messaging.list('ola')).every(({ state }) => state === 'sent' || state === 'withdrawn'),
    );
    expect(messaging.textsTo(phone).length - sentBefore).toBeLessThanOrEqual(1);
    expect(await optedOut('ola')).toBe(true);
  });

  test('STOP is about the number: it ends the texts of all who have it', async () => {
    const { phone } = await messaging.member('pam');
    await messaging.usher.backOffice.call('PUT', '/v1/users/pam-son/contact', { phone, phoneVerified: true });
    await text(phone, 'STOP');
    expect([await optedOut('pam'), await optedOut('pam-son')]).toEqual([true, true]);
  });

  test('that is sent a hundred times is stored once, and an old STOP does not end what START began', async () => {
    const { phone } = await messaging.member('quin');
    await text(phone, 'STOP', 'SMrepeated');
    await text(phone, 'START');
    const copies = await repeat(100, () => text(phone, 'STOP', 'SMrepeated'));
    expect(copies.every(({ status }) => status === 200)).toBe(true);
    expect(await optedOut('quin')).toBe(false);
    const rows = await messaging.usher.database.query(
      `SELECT 1 FROM inbound_text WHERE provider_id = 'SMrepeated'`,
    );
    expect(rows).toHaveLength(1);
  });

  test('and is no keyword is for the back office to read, with who sent it, and is encrypted until then', async () => {
    const { phone } = await messaging.member('rex');
    expect((await text(phone, 'When does it start?', 'SMquestion')).text).toMatch(/<Response><\/Response>$/);
    await text('+4915112888880', 'Who are you?', 'SMstranger');
    const { texts } = (await messaging.usher.backOffice.call('GET', '/v1/messages/inbound?limit=2')).body as {
      texts: Record<string, unknown>[];
    };
    expect(texts).toMatchObject([
      { providerId: 'SMstranger', userId: null, from: '+4915112888880', text: 'Who are you?' },
      { providerId: 'SMquestion', userId: 'rex', from: phone, text: 'When does it start?', keyword: null },
    ]);
    const rows = await messaging.usher.database.query(
      `SELECT encode(body, 'escape') AS body FROM inbound_text`,
    );
    expect(JSON.stringify(rows)).not.toContain('start?');
  });

  test('gets no second reply when Twilio has replied to it', async () => {
    const { phone } = await messaging.member('sue');
    const reply = await text(phone, 'STOP', 'SMhandled', { OptOutType: 'STOP' });
    expect(reply.text).not.toContain('<Message>');
    expect(await optedOut('sue')).toBe(true);
  });
});

test('no secret, address or text is in the log', () => messaging.expectCleanLog());
