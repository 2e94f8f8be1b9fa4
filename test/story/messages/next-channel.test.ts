import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MAX_ATTEMPTS } from '../../../src/messages/sending/next-step.js';
import { call } from '../../support/drivers/back-office.js';
import { signedHeaders, STANDARD_SECRET } from '../../support/drivers/standard-webhooks.js';
import { type Messaging, startMessaging } from '../../support/drivers/messaging.js';
import type { TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import type { FakeMailServer } from '../../support/fakes/fake-mail-server.js';
import type { FakeSmsProvider } from '../../support/fakes/fake-sms-provider.js';

const ROUTES = {
  currency: 'EUR',
  routes: [{ prefix: '+49', senders: [{ provider: 'http', sender: 'Usher', price: 0.05, perSecond: 500 }] }],
};
/** A mailbox that is busy, and a mail that it takes. */
const BUSY = 451;
const TAKEN = 0;

let usher: TestUsher;
let mailServer: FakeMailServer;
let sms: FakeSmsProvider;
let stop: Messaging['stop'];
beforeAll(async () => {
  ({ usher, mailServer, sms, stop } = await startMessaging({
    SMS_ROUTES: JSON.stringify(ROUTES),
    MESSAGE_WEBHOOK_SECRET: STANDARD_SECRET,
  }));
});
afterAll(() => stop());

interface Listed {
  readonly channel: string;
  readonly state: string;
  readonly reason: string | null;
  readonly sentAt: string | null;
  readonly settledAt: string | null;
}

/** Sends a text that goes by mail if it fails, to a user whose mailbox is busy. */
async function sendByTextOrMail(userId: string, phone: string): Promise<{ id: string; email: string }> {
  const email = `${userId}@example.com`;
  const contact = { email, emailVerified: true, phone, phoneVerified: true };
  await usher.backOffice.call('PUT', `/v1/users/${userId}/contact`, contact);
  mailServer.refuse(email, BUSY);
  const message = { userId, channels: ['sms', 'email'], subject: 'Hello', text: 'Hello' };
  return { id: String((await usher.backOffice.call('POST', '/v1/messages', message)).body.id), email };
}
const becomes = (userId: string, wanted: Partial<Listed>): Promise<Listed> =>
  eventually(`the message of ${userId} is ${JSON.stringify(wanted)}`, async () => {
    const { messages } = (await usher.backOffice.call('GET', `/v1/users/${userId}/messages`)).body;
    const [message] = messages as (Listed & Record<string, unknown>)[];
    return Object.entries(wanted).every(([name, value]) => message?.[name] === value) && message;
  });
/** The text has been tried as often as a message may be. */
const useUpAttempts = (id: string) =>
  usher.database.query('UPDATE message SET attempts = $2 WHERE id = $1', [id, MAX_ATTEMPTS]);

test('a mail that follows a text which was tried too often is tried as often as any other', async () => {
  sms.responses.forAddress('+4915112345671', { status: 503 });
  const { id, email } = await sendByTextOrMail('ann', '+4915112345671');
  await eventually('the text was tried', () => sms.requestCount > 0);
  await useUpAttempts(id);
  await becomes('ann', { channel: 'email', state: 'queued', reason: 'deferred' });
  mailServer.refuse(email, TAKEN);
  await becomes('ann', { channel: 'email', state: 'sent' });
});

test('a mail that follows a text whose provider reported that it failed has attempts and times of its own', async () => {
  const { id, email } = await sendByTextOrMail('ben', '+4915112345672');
  const text = await becomes('ben', { channel: 'sms', state: 'sent' });
  await useUpAttempts(id);
  const body = JSON.stringify({ messageId: id, state: 'failed', reason: 'unreachable' });
  const headers = signedHeaders(body, { id: 'failed_1' });
  const reply = await call(usher.url, undefined, 'POST', '/v1/webhooks/messages', body, headers);
  expect(reply.body).toEqual({ received: true, applied: true });
  const queued = await becomes('ben', { channel: 'email', state: 'queued', reason: 'deferred' });
  expect(queued).toMatchObject({ sentAt: null, settledAt: null });
  mailServer.refuse(email, TAKEN);
  const mail = await becomes('ben', { channel: 'email', state: 'sent' });
  expect(Date.parse(mail.sentAt ?? '')).toBeGreaterThan(Date.parse(text.sentAt ?? ''));
  expect(mail.settledAt).toBeNull();
});
