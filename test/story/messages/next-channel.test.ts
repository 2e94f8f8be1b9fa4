import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MAX_ATTEMPTS } from '../../../src/messages/sending/next-step.js';
import { STANDARD_SECRET } from '../../support/drivers/standard-webhooks.js';
import { type Contact, type Messaging, startMessaging } from '../../support/drivers/messaging.js';
import { eventually } from '../../support/eventually.js';

/** A mailbox that is busy, and a mail that it takes. */
const BUSY = 451;
const TAKEN = 0;
const BY_TEXT_OR_MAIL = { channels: ['sms', 'email'], subject: 'Hello' };

let messaging: Messaging;
beforeAll(async () => {
  messaging = await startMessaging({ MESSAGE_WEBHOOK_SECRET: STANDARD_SECRET });
});
afterAll(() => messaging.stop());

async function memberWithBusyMailbox(userId: string): Promise<Contact> {
  const contact = await messaging.member(userId);
  messaging.mailServer.refuse(contact.email, BUSY);
  return contact;
}
/** The text has been tried as often as a message may be. */
const useUpAttempts = (id: string) =>
  messaging.usher.database.query('UPDATE message SET attempts = $2 WHERE id = $1', [id, MAX_ATTEMPTS]);

test('a mail that follows a text which was tried too often is tried as often as any other', async () => {
  const { email, phone } = await memberWithBusyMailbox('ann');
  messaging.sms.responses.forAddress(phone, { status: 503 });
  const id = await messaging.send('ann', BY_TEXT_OR_MAIL);
  await eventually('the text was tried', () => messaging.sms.requestCount > 0);
  await useUpAttempts(id);
  await messaging.becomes('ann', id, 'queued', { channel: 'email', reason: 'deferred' });
  messaging.mailServer.refuse(email, TAKEN);
  await messaging.becomes('ann', id, 'sent', { channel: 'email' });
});

test('a mail that follows a text whose provider reported that it failed has attempts and times of its own', async () => {
  const { email } = await memberWithBusyMailbox('ben');
  const id = await messaging.send('ben', BY_TEXT_OR_MAIL);
  const text = await messaging.becomes('ben', id, 'sent', { channel: 'sms' });
  await useUpAttempts(id);
  const failed = { messageId: id, state: 'failed', reason: 'unreachable' };
  const reply = await messaging.reportSigned(failed, 'failed_1');
  expect(reply.body).toEqual({ received: true, applied: true });
  const queued = await messaging.becomes('ben', id, 'queued', { channel: 'email', reason: 'deferred' });
  expect(queued).toMatchObject({ sentAt: null, settledAt: null });
  messaging.mailServer.refuse(email, TAKEN);
  const mail = await messaging.becomes('ben', id, 'sent', { channel: 'email' });
  expect(Date.parse(mail.sentAt ?? '')).toBeGreaterThan(Date.parse(text.sentAt ?? ''));
  expect(mail.settledAt).toBeNull();
});
