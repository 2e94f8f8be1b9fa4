import { z } from 'zod';
import { jsonOrFile, privateKeyType, textOrFile } from './key-settings.js';
import { integer, list, secret, secrets, text, url } from './setting-types.js';

/** A way to send texts to the numbers of a route. */
const smsSender = z.strictObject({
  /** The name of an SMS provider (src/messages/providers/registry.ts). */
  provider: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/),
  /** What the recipient sees as the sender: a number, a name of at most 11 characters, or a pool that the provider knows. */
  sender: z.string().min(1).max(64),
  /** Of one part, in the currency of all routes. */
  price: z.number().min(0).max(1_000),
  /** Parts that this sender may send a second, by all nodes together. */
  perSecond: z.number().positive().max(10_000),
  /** Whether the carrier joins the parts of a long text. Otherwise each is numbered. */
  joins: z.boolean().default(true),
});

/** How texts get to the numbers that begin with a prefix. */
const smsRoute = z.strictObject({
  prefix: z.string().regex(/^\+\d{0,14}$/),
  /** Parts an hour to all these numbers: more is taken for fraud, waits, and raises an alarm. */
  maxPerHour: z.number().int().positive().optional(),
  /** In the order in which they are tried. */
  senders: z.array(smsSender).min(1).max(10),
});

const smsRoutes = z
  .strictObject({ currency: z.string().regex(/^[A-Z]{3}$/), routes: z.array(smsRoute).min(1).max(1_000) })
  .refine(({ routes }) => new Set(routes.map(({ prefix }) => prefix)).size === routes.length);

/** The setting SMS_ROUTES. */
export type SmsRoutes = z.output<typeof smsRoutes>;
/** One of its routes. */
export type SmsRoute = z.output<typeof smsRoute>;
/** A sender of a route. */
export type SmsSender = z.output<typeof smsSender>;

const NOT_ROUTES =
  'must be JSON, or the file that holds it: { "currency": "EUR", "routes": [ { "prefix": "+49", "senders": [ { "provider", "sender", "price", "perSecond" } ] } ] }, each prefix once';
const NOT_A_DKIM_KEY = 'must be a private RSA or Ed25519 key in PEM, or the file that holds it';
const KINDS_OF_DKIM_KEYS = ['rsa', 'ed25519'];

/** Texts and mails. */
export const messageSettings = {
  /**
   * Encrypts mail addresses and phone numbers in the database; without it none are stored. At least 32 bytes, the same on every node;
   * several with commas between while it is replaced, the new one first.
   */
  CONTACT_KEY: secrets(32).default([]),
  /** Where recipients and providers reach the nodes with the role `api`: links to unsubscribe and callbacks begin with it. */
  PUBLIC_URL: url('https:', 'http:')
    .transform((value) => value.replace(/\/+$/, ''))
    .optional(),
  /** The mail server: `smtp://user:password@host:587` or `smtps://…`. */
  SMTP_URL: url('smtp:', 'smtps:').optional(),
  /** The sender of mails: an address, or `Name <address>`. */
  SMTP_FROM: z
    .string()
    .regex(
      /^([^<>@\r\n]+ <[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/,
      'must be an address, or Name <address>',
    )
    .optional(),
  /** Signs mails (DKIM): the PEM text. */
  SMTP_DKIM_KEY: textOrFile('-----BEGIN', NOT_A_DKIM_KEY)
    .transform((pem) => pem.replaceAll('\\n', '\n'))
    .refine((pem) => KINDS_OF_DKIM_KEYS.includes(privateKeyType(pem) ?? ''), { error: NOT_A_DKIM_KEY })
    .optional(),
  /** The domain that signs, and where in its DNS the public key is. */
  SMTP_DKIM_DOMAIN: text().optional(),
  SMTP_DKIM_SELECTOR: text().optional(),
  /** Mails a minute, by all nodes together. */
  SMTP_PER_MINUTE: integer(1, 10_000_000).default(6_000),
  TWILIO_ACCOUNT_SID: z
    .string()
    .regex(/^AC[0-9a-fA-F]{32}$/, 'must be AC and 32 hexadecimal digits')
    .optional(),
  /** Also verifies Twilio's callbacks. */
  TWILIO_AUTH_TOKEN: secret(16).optional(),
  /** Twilio's address, for a region or a test. */
  TWILIO_ORIGIN: url('https:', 'http:').default('https://api.twilio.com'),
  /** Where a provider that speaks plain JSON takes texts (docs/guides/texts-and-mails.md). */
  SMS_HTTP_URL: url('https:', 'http:').optional(),
  /** Its bearer token. */
  SMS_HTTP_TOKEN: text().optional(),
  /** How texts get to which numbers: the longest prefix counts. */
  SMS_ROUTES: jsonOrFile(smsRoutes, NOT_ROUTES).optional(),
  /** The most parts of a text. */
  SMS_MAX_PARTS: integer(1, 99).default(10),
  /** Texts that one user gets in a day, other than critical ones. */
  SMS_PER_USER_PER_DAY: integer(1, 10_000).default(20),
  /** Mails that one user gets in a day, other than critical ones. */
  EMAIL_PER_USER_PER_DAY: integer(1, 10_000).default(20),
  /** Verifies what providers report of messages, bounces and complaints (Standard Webhooks); several with commas between. */
  MESSAGE_WEBHOOK_SECRET: list()
    .refine((all) => all.every((one) => /^(whsec_)?[A-Za-z0-9+/]{4,}={0,2}$/.test(one)), {
      error: 'must be whsec_ and base64, several by comma; `echo whsec_$(openssl rand -base64 32)` makes one',
    })
    .default([]),
  /** Days that texts and mails are kept, since they were queued. */
  MESSAGE_RETENTION_DAYS: integer(2, 3_650).default(30),
};

type MessageSettings = { [Name in keyof typeof messageSettings]?: z.output<(typeof messageSettings)[Name]> };

/** With the first of each, the others are needed. */
const NEEDED: readonly (readonly (keyof typeof messageSettings)[])[] = [
  ['SMTP_URL', 'SMTP_FROM', 'PUBLIC_URL', 'CONTACT_KEY'],
  ['SMTP_DKIM_KEY', 'SMTP_DKIM_DOMAIN', 'SMTP_DKIM_SELECTOR'],
  ['SMS_ROUTES', 'PUBLIC_URL', 'CONTACT_KEY'],
  ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'SMS_ROUTES'],
  ['SMS_HTTP_URL', 'SMS_HTTP_TOKEN', 'SMS_ROUTES'],
];

/** Adds an issue for each setting that is missing while another one needs it. */
export function checkMessages(env: MessageSettings, context: z.RefinementCtx): void {
  const isSet = (name: keyof typeof messageSettings): boolean => {
    const value = env[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  };
  for (const [first, ...others] of NEEDED) {
    if (first === undefined || !isSet(first)) continue;
    for (const name of others.filter((one) => !isSet(one)))
      context.addIssue({ code: 'custom', path: [name], message: `is not set: ${first} needs it` });
  }
}
