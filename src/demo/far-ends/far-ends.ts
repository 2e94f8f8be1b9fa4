import { randomBytes } from 'node:crypto';
import type { Config } from '../../platform/config/config.js';
import { type InboxMail, startMailServer } from './mail-server.js';
import { type InboxText, startTextProvider, type TextAccount } from './text-provider.js';

/** What comes into the inbox. */
export type InboxItem = InboxMail | InboxText;

/** The demo's mail server and provider of texts: they run beside the node, which speaks to them as to real ones. */
export interface FarEnds {
  /** What the node must know of them; nothing of what the developer has set. */
  readonly settings: Partial<Config>;
  readonly account: TextAccount;
  /** Calls `receive` with all that comes in from now on. */
  onItem(receive: (item: InboxItem) => void): void;
  close(): Promise<void>;
}

/** Injection token of the FarEnds. */
export const FAR_ENDS = Symbol('FAR_ENDS');

/** The sender of the texts: one of those that Twilio has for tests. */
const SENDER = '+15005550006';

/**
 * Starts a mail server unless SMTP_URL is set, and a provider of texts unless SMS_ROUTES is. None without CONTACT_KEY: then no address could be
 * stored.
 */
export async function startFarEnds(config: Config): Promise<FarEnds> {
  let receive: (item: InboxItem) => void = () => undefined;
  const account = { sid: `AC${randomBytes(16).toString('hex')}`, token: randomBytes(24).toString('hex') };
  const onItem = (item: InboxItem) => receive(item);
  const canStore = config.CONTACT_KEY.length > 0;
  const mails = canStore && config.SMTP_URL === undefined ? await startMailServer(onItem) : undefined;
  const texts =
    canStore && config.SMS_ROUTES === undefined ? await startTextProvider(account, onItem) : undefined;
  return {
    settings: {
      ...(canStore && { PUBLIC_URL: config.PUBLIC_URL ?? publicUrlOf(config) }),
      ...(mails && { SMTP_URL: mails.url, SMTP_FROM: config.SMTP_FROM ?? 'Usher <no-reply@watch.example>' }),
      ...(texts && twilioSettings(account, texts.origin)),
    },
    account,
    onItem: (given) => void (receive = given),
    close: async () => {
      await Promise.all([mails?.close(), texts?.close()]);
    },
  };
}

const twilioSettings = ({ sid, token }: TextAccount, origin: string): Partial<Config> => ({
  TWILIO_ACCOUNT_SID: sid,
  TWILIO_AUTH_TOKEN: token,
  TWILIO_ORIGIN: origin,
  SMS_ROUTES: {
    currency: 'EUR',
    routes: [
      {
        prefix: '+',
        senders: [{ provider: 'twilio', sender: SENDER, price: 0.08, perSecond: 10, joins: true }],
      },
    ],
  },
});

const publicUrlOf = ({ HOST, PORT }: Config): string =>
  `http://${HOST === '0.0.0.0' || HOST === '::' ? 'localhost' : HOST}:${PORT}`;
