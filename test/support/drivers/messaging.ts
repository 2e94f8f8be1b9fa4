import { eventually } from '../eventually.js';
import { expectCleanLog, expectDone } from '../expectations.js';
import { type FakeMailServer, type ReceivedMail, startFakeMailServer } from '../fakes/fake-mail-server.js';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  type FakeSmsProvider,
  PLAIN_TOKEN,
  postAsTwilio,
  type ReceivedText,
  startFakeSmsProvider,
} from '../fakes/fake-sms-provider.js';
import { call, type HttpReply } from './back-office.js';
import { signedHeaders } from './standard-webhooks.js';
import { startUsher, type TestUsher } from './usher.js';

export const PUBLIC_URL = 'https://usher.example.com';
export const TWILIO_SENDER = { provider: 'twilio', sender: '+15005550006', price: 0.08, perSecond: 500 };
export const PLAIN_SENDER = { provider: 'http', sender: 'Usher', price: 0.05, perSecond: 500 };

/** Returns the setting with which texts go by these routes. */
export const smsRoutes = (...routes: readonly Record<string, unknown>[]) => ({
  SMS_ROUTES: JSON.stringify({ currency: 'EUR', routes }),
});

/** Settings with which texts go by Twilio, and by another provider if it cannot take them. */
export const BY_TWILIO = {
  TWILIO_ACCOUNT_SID: ACCOUNT_SID,
  TWILIO_AUTH_TOKEN: AUTH_TOKEN,
  ...smsRoutes({ prefix: '+49', senders: [TWILIO_SENDER, PLAIN_SENDER] }),
};

export interface Contact {
  readonly email: string;
  readonly phone: string;
}

/** A message as the back office lists it. */
export interface ListedMessage extends Record<string, unknown> {
  readonly id: string;
  readonly channel: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly sentAt: string | null;
  readonly settledAt: string | null;
}

/** Starts a server that sends mails and texts; `settings` are more of its own. Texts go by one provider, unless they have other routes. */
export async function startMessaging(settings: Record<string, string> = {}): Promise<Messaging> {
  const [mailServer, sms] = await Promise.all([startFakeMailServer(), startFakeSmsProvider()]);
  const usher = await startUsher({
    PUBLIC_URL,
    SMTP_URL: mailServer.url,
    SMTP_FROM: 'Usher <no-reply@usher.example.com>',
    SMS_HTTP_URL: `${sms.origin}/plain`,
    SMS_HTTP_TOKEN: PLAIN_TOKEN,
    TWILIO_ORIGIN: sms.origin,
    ...smsRoutes({ prefix: '+49', senders: [PLAIN_SENDER] }),
    ...settings,
  });
  return new Messaging(usher, mailServer, sms);
}

/** A server that sends mails and texts, and whom it sends them by. */
export class Messaging {
  private numbers = 10_000;

  constructor(
    readonly usher: TestUsher,
    readonly mailServer: FakeMailServer,
    readonly sms: FakeSmsProvider,
  ) {}

  stop = async (): Promise<void> => {
    await this.usher.stop();
    await Promise.all([this.mailServer.close(), this.sms.close()]);
  };

  /** Gives a user a verified address of each kind that nobody else has; `more` replaces that, and adds to it. */
  async member(userId: string, more: Record<string, unknown> = {}): Promise<Contact> {
    const phone = `+4915112${(this.numbers += 1)}0`;
    const contact = { email: `${userId}@example.com`, emailVerified: true, phone, phoneVerified: true };
    const body = await this.usher.backOffice.put(`/v1/users/${userId}/contact`, { ...contact, ...more });
    return { email: String(body.email), phone: String(body.phone) };
  }

  post = (body: Record<string, unknown>): Promise<HttpReply> =>
    this.usher.backOffice.call('POST', '/v1/messages', body);

  /** Sends a text that says hello, unless `body` says something else. Returns its id. */
  async send(userId: string, body: Record<string, unknown> = {}): Promise<string> {
    const reply = await this.post({ userId, channels: ['sms'], text: 'Hello', ...body });
    expectDone(reply, 202);
    return String(reply.body.id);
  }

  /** Returns the messages of a user, the newest first. */
  list = async (userId: string): Promise<ListedMessage[]> =>
    (await this.usher.backOffice.call('GET', `/v1/users/${userId}/messages`)).body
      .messages as ListedMessage[];

  /** Waits until the message is in this state, and has what else is given. */
  becomes(
    userId: string,
    id: string,
    state: string,
    more: Partial<ListedMessage> = {},
  ): Promise<ListedMessage> {
    const wanted = Object.entries({ ...more, id, state });
    return eventually(`the message of ${userId} has ${JSON.stringify(wanted)}`, async () =>
      (await this.list(userId)).find((one) => wanted.every(([name, value]) => one[name] === value)),
    );
  }

  textsTo = (phone: string): ReceivedText[] => this.sms.texts.filter(({ to }) => to === phone);
  mailsTo = (email: string): ReceivedMail[] => this.mailServer.mails.filter(({ to }) => to === email);
  waitForText = (phone: string): Promise<ReceivedText> =>
    eventually(`a text to ${phone}`, () => this.textsTo(phone)[0]);
  waitForMail = (email: string): Promise<ReceivedMail> =>
    eventually(`a mail to ${email}`, () => this.mailsTo(email)[0]);

  /** Calls as Twilio does; with another `token` than the account's the signature is wrong. */
  callAsTwilio = (path: string, fields: Record<string, string>, token?: string) =>
    postAsTwilio({ url: this.usher.url, publicUrl: PUBLIC_URL, path }, fields, token);

  /** Reports as Twilio what became of a text. */
  report = (id: string, fields: Record<string, string>) =>
    this.callAsTwilio(`/v1/webhooks/twilio-status?message=${id}`, fields);

  /** Reports by a signed webhook what became of a message; a webhook counts once by its id. */
  reportSigned(report: Record<string, unknown>, webhookId: string): Promise<HttpReply> {
    const body = JSON.stringify(report);
    const headers = signedHeaders(body, { id: webhookId });
    return call(this.usher.url, undefined, 'POST', '/v1/webhooks/messages', body, headers);
  }

  /** Expects that no secret, no mail address and no number of `member`, and no text of `send` is in the log. */
  expectCleanLog(): void {
    expectCleanLog(this.usher, {
      AUTH_TOKEN,
      PLAIN_TOKEN,
      smtp: 'password of the mail server',
      'a mail address': '@example.com',
      'a number': '+4915112',
      'a text': 'Hello',
    });
  }
}
