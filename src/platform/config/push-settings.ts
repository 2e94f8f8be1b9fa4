import { createECDH, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { firebaseServiceAccount } from '../google/service-account.js';
import { jsonOrFile, privateKeyType, textOrFile } from './key-settings.js';

/** The lengths of an uncompressed point of P-256 and of its private key. */
const VAPID_BYTES = { public: 65, private: 32 };
/** `example.com`, which includes its subdomains, or `localhost:8443`, with a port. */
const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/;

const NOT_A_P8_KEY =
  'must be the .p8 key from Apple’s developer account, or the file that holds it: a private key that begins with -----BEGIN';
const NOT_A_SERVICE_ACCOUNT =
  'must be the JSON key of a service account, or the file that holds it: Firebase console, Project settings, Service accounts';
const NOT_CERTIFICATES = 'must name a readable file with certificates in PEM';

const text = () => z.string().trim().min(1);
const vapidKey = (which: keyof typeof VAPID_BYTES) =>
  text()
    .regex(/^[A-Za-z0-9_-]+$/, {
      error: 'must be base64url without padding; `npx web-push generate-vapid-keys` makes a pair',
      abort: true,
    })
    .refine((key) => Buffer.from(key, 'base64url').length === VAPID_BYTES[which], {
      error: `must be a ${which} key of P-256 (${VAPID_BYTES[which]} bytes); \`npx web-push generate-vapid-keys\` makes a pair`,
      abort: true,
    });
const origin = () =>
  z.string().refine((given) => URL.canParse(given) && new URL(given).protocol === 'https:', {
    error: 'must be a URL that begins with https://',
  });

/** How many messages a provider may be sent per minute. */
const perMinute = (fallback: number) =>
  z.coerce.number().int().min(1, 'must be at least 1').max(100_000_000).default(fallback);

/** The settings of the push providers. Files are read here, so that a missing one stops the boot. */
export const pushSettings = {
  /** The PEM text. */
  APNS_KEY: textOrFile('-----BEGIN', NOT_A_P8_KEY)
    // Some environments cannot hold line breaks.
    .transform((pem) => pem.replaceAll('\\n', '\n'))
    .refine((pem) => privateKeyType(pem) === 'ec', { error: NOT_A_P8_KEY, abort: true })
    .optional(),
  APNS_KEY_ID: text().optional(),
  APNS_TEAM_ID: text().optional(),
  APNS_TOPIC: text().optional(),
  APNS_ORIGIN: origin().optional(),
  /** Apple publishes no limit for a sender; 5,000 a second is our own choice. */
  APNS_PER_MINUTE: perMinute(300_000),
  FCM_CREDENTIALS: jsonOrFile(firebaseServiceAccount, NOT_A_SERVICE_ACCOUNT).optional(),
  FCM_ORIGIN: origin().optional(),
  /** The default quota of a Firebase project, which Google raises on request. Requests that fail count too. */
  FCM_PER_MINUTE: perMinute(600_000),
  VAPID_SUBJECT: z
    .string()
    .refine((subject) => URL.canParse(subject) && /^(mailto|https):/.test(subject), {
      error: 'must be mailto: and an address, or a URL that begins with https://: push services write there',
      abort: true,
    })
    .optional(),
  VAPID_PUBLIC_KEY: vapidKey('public').optional(),
  VAPID_PRIVATE_KEY: vapidKey('private').optional(),
  /** Browsers' push services publish no limit and return 429; a thousand a second is little for any of them. */
  WEBPUSH_PER_MINUTE: perMinute(60_000),
  WEBPUSH_HOSTS: z
    .string()
    .transform((hosts) =>
      hosts
        .toLowerCase()
        .split(/[\s,]+/)
        .filter((host) => host !== ''),
    )
    .refine((hosts) => hosts.length > 0 && hosts.every((host) => HOST.test(host)), {
      error:
        'must be names of hosts with commas between, without https:// and without wildcards: `push.example.com`',
    })
    .optional(),
  /** The PEM text of the file. */
  PUSH_CA_FILE: z
    .string()
    .transform((file, context) => {
      try {
        const pem = readFileSync(file, 'utf8');
        new X509Certificate(pem);
        return pem;
      } catch {
        context.addIssue({ code: 'custom', message: NOT_CERTIFICATES });
        return z.NEVER;
      }
    })
    .optional(),
};

type PushSettings = { [Name in keyof typeof pushSettings]?: z.output<(typeof pushSettings)[Name]> };

/** Groups of settings of which all are needed, or none. */
const GROUPS = [
  ['APNS_KEY', 'APNS_KEY_ID', 'APNS_TEAM_ID', 'APNS_TOPIC'],
  ['VAPID_PUBLIC_KEY', 'VAPID_PRIVATE_KEY', 'VAPID_SUBJECT'],
] as const;

/** Adds an issue for each setting that is missing while others of its group are set, and for a VAPID pair that does not match. */
export function checkPush(env: PushSettings, context: z.RefinementCtx): void {
  for (const group of GROUPS) {
    const missing = group.filter((name) => env[name] === undefined);
    if (missing.length === group.length) continue;
    for (const name of missing) {
      const message = `is not set: ${group.join(', ')} are needed together, or none of them`;
      context.addIssue({ code: 'custom', path: [name], message });
    }
  }
  if (env.VAPID_PUBLIC_KEY && env.VAPID_PRIVATE_KEY && !isPair(env.VAPID_PUBLIC_KEY, env.VAPID_PRIVATE_KEY))
    context.addIssue({
      code: 'custom',
      path: ['VAPID_PRIVATE_KEY'],
      message: 'does not belong to VAPID_PUBLIC_KEY: set both as they were made',
    });
}

function isPair(publicKey: string, privateKey: string): boolean {
  try {
    const pair = createECDH('prime256v1');
    pair.setPrivateKey(privateKey, 'base64url');
    return pair.getPublicKey('base64url') === publicKey;
  } catch {
    return false;
  }
}
