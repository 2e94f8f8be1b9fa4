import { type FakeMailServer, startFakeMailServer } from '../fakes/fake-mail-server.js';
import { type FakeSmsProvider, PLAIN_TOKEN, startFakeSmsProvider } from '../fakes/fake-sms-provider.js';
import { startUsher, type TestUsher } from './usher.js';

/** A server that sends mails and texts, and whom it sends them by. */
export interface Messaging {
  readonly usher: TestUsher;
  readonly mailServer: FakeMailServer;
  readonly sms: FakeSmsProvider;
  stop(): Promise<void>;
}

/** Starts them; `settings` are more of the server's, as the routes of texts. */
export async function startMessaging(settings: Record<string, string>): Promise<Messaging> {
  const [mailServer, sms] = await Promise.all([startFakeMailServer(), startFakeSmsProvider()]);
  const usher = await startUsher({
    PUBLIC_URL: 'https://usher.example.com',
    SMTP_URL: mailServer.url,
    SMTP_FROM: 'Usher <no-reply@usher.example.com>',
    SMS_HTTP_URL: `${sms.origin}/plain`,
    SMS_HTTP_TOKEN: PLAIN_TOKEN,
    TWILIO_ORIGIN: sms.origin,
    ...settings,
  });
  const stop = async () => {
    await usher.stop();
    await Promise.all([mailServer.close(), sms.close()]);
  };
  return { usher, mailServer, sms, stop };
}
