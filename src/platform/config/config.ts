import { z } from 'zod';
import { serviceAccount } from '../google/service-account.js';
import { jsonOrFile } from './key-settings.js';
import { checkPush, pushSettings } from './push-settings.js';

const ROLES = ['gateway', 'api', 'worker'] as const;
const TRANSPORTS = ['websocket', 'polling'] as const;

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part.length > 0);

const seconds = (fallback: number, min: number, max: number) =>
  z.coerce
    .number({ error: 'must be a number of seconds' })
    .int('must be a whole number of seconds')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`)
    .default(fallback);

const someOf = <const T extends readonly string[]>(allowed: T, fallback: T[number][]) =>
  z
    .string()
    .transform(list)
    .pipe(z.array(z.enum(allowed, { error: `may hold only ${allowed.join(', ')}` })).nonempty())
    .default(fallback as [T[number], ...T[number][]]);

const isUrl = (text: string, ...protocols: string[]): boolean =>
  URL.canParse(text) && protocols.includes(new URL(text).protocol);

const url = (...protocols: string[]) =>
  z.string().refine((text) => isUrl(text, ...protocols), {
    error: `must be a URL that begins with ${protocols.map((name) => `${name}//`).join(' or ')}`,
  });

/** One Redis; or several servers of one cluster, with a comma between, from which the others are learnt. */
const redis = () =>
  z
    .string()
    .refine((text) => list(text).length > 0 && list(text).every((one) => isUrl(one, 'redis:', 'rediss:')), {
      error:
        'must be a URL that begins with redis:// or rediss://, or several of one cluster with commas between',
      abort: true,
    })
    .refine((text) => list(text).length === 1 || areOfOneCluster(list(text)), {
      error:
        'names a cluster: all its URLs must have one protocol, user and password, and no database number',
    })
    .transform((text) => list(text) as [string, ...string[]]);

function areOfOneCluster(texts: readonly string[]): boolean {
  const urls = texts.map((text) => new URL(text));
  const logins = urls.map(({ protocol, username, password }) =>
    JSON.stringify([protocol, username, password]),
  );
  return new Set(logins).size === 1 && urls.every(({ pathname }) => /^\/?0?$/.test(pathname));
}

const SERVICE_ACCOUNT_KEY = 'must be the JSON key of a service account, or the file that holds it';
const text = () => z.string().min(1);
const secret = (bytes: number) =>
  z.string().refine((value) => Buffer.byteLength(value) >= bytes, {
    error: `must be at least ${bytes} bytes; \`openssl rand -base64 48\` makes one`,
  });

/** The settings of CONTRACT §2, by the names of their environment variables. */
export const environment = z
  .object({
    NODE_ENV: z.enum(['development', 'production', 'test']).default('production'),
    PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
    HOST: text().default('0.0.0.0'),
    ROLES: someOf(ROLES, [...ROLES]),
    DATABASE_URL: url('postgres:', 'postgresql:'),
    REDIS_URL: redis(),
    AUTH_JWT_SECRET: secret(32).optional(),
    AUTH_JWKS_URL: url('https:', 'http:').optional(),
    AUTH_JWT_ISSUER: text().optional(),
    AUTH_JWT_AUDIENCE: text().default('usher'),
    ADMIN_KEY: secret(16).regex(/^\S+$/, 'must not contain spaces: it travels in an HTTP header').optional(),
    CORS_ORIGINS: z.string().transform(list).default([]),
    STRIPE_WEBHOOK_SECRET: z.string().transform(list).default([]),
    STRIPE_API_KEY: text().optional(),
    STRIPE_API_BASE: url('https:', 'http:').optional(),
    STANDARD_WEBHOOK_SECRET: z
      .string()
      .transform(list)
      .refine((secrets) => secrets.every((secret) => /^(whsec_)?[A-Za-z0-9+/]{4,}={0,2}$/.test(secret)), {
        error:
          'must be whsec_ and base64, several by comma; `echo whsec_$(openssl rand -base64 32)` makes one',
      })
      .default([]),
    APPLE_BUNDLE_ID: text().optional(),
    APPLE_APP_ID: z.coerce
      .number()
      .int()
      .positive('must be the number that App Store Connect shows')
      .optional(),
    APPLE_ENVIRONMENT: z.enum(['Production', 'Sandbox']).default('Production'),
    APPLE_ROOT_CERTIFICATES: z.string().transform(list).default([]),
    GOOGLE_PACKAGE_NAME: text().optional(),
    GOOGLE_PUBSUB_AUDIENCE: text().optional(),
    GOOGLE_PUBSUB_SERVICE_ACCOUNT: text().optional(),
    GOOGLE_SERVICE_ACCOUNT_KEY: jsonOrFile(serviceAccount, SERVICE_ACCOUNT_KEY).optional(),
    GOOGLE_API_BASE: url('https:', 'http:').default('https://androidpublisher.googleapis.com'),
    GOOGLE_JWKS_URL: url('https:', 'http:').default('https://www.googleapis.com/oauth2/v3/certs'),
    PAST_DUE_DAYS: z.coerce.number().int().min(0).max(365).default(30),
    RECONCILE_SECONDS: seconds(300, 1, 86_400),
    LEASE_SECONDS: seconds(90, 1, 3_600),
    LEASE_KEY_DAYS: z.coerce.number().int().min(1).max(365).default(30),
    LEASE_KEY_SECRET: z
      .string()
      .transform(list)
      .pipe(z.array(secret(32)))
      .default([]),
    GRACE_SECONDS: seconds(300, 0, 86_400),
    HEARTBEAT_SECONDS: seconds(60, 1, 3_600),
    TRANSPORTS: someOf(TRANSPORTS, ['websocket']),
    ACK_TIMEOUT_SECONDS: seconds(5, 1, 300),
    DRAIN_SECONDS: seconds(20, 0, 600),
    RECYCLE_SECONDS: seconds(1_800, 1, 86_400),
    CONNECTS_PER_SECOND: z.coerce.number().int().min(1).max(1_000_000).default(1_000),
    ...pushSettings,
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  })
  .refine((env) => env.AUTH_JWT_SECRET !== undefined || env.AUTH_JWKS_URL !== undefined, {
    path: ['AUTH_JWT_SECRET'],
    error: 'is not set, nor is AUTH_JWKS_URL: set one, so that user tokens can be verified',
  })
  .refine(
    (env) => !env.APPLE_BUNDLE_ID || env.APPLE_ENVIRONMENT === 'Sandbox' || env.APPLE_APP_ID !== undefined,
    {
      path: ['APPLE_APP_ID'],
      error: 'is not set: in production Apple’s notifications name the app by it, and by APPLE_BUNDLE_ID',
    },
  )
  .superRefine(checkPush);

export type Config = z.infer<typeof environment>;
export const CONFIG = Symbol('CONFIG');

/** Names under these prefixes are ours, so one we do not know is a slip of the pen. */
const OURS =
  /^(AUTH_JW|STRIPE_(API|WEBHOOK)|STANDARD_WEBHOOK|APPLE_(BUNDLE|APP_ID|ENVIRON|ROOT)|GOOGLE_(PACKAGE|PUBSUB|SERVICE_ACCOUNT|API_BASE|JWKS)|PAST_DUE|RECONCILE_|LEASE_|GRACE_|HEARTBEAT_|ACK_TIMEOUT|DRAIN_|RECYCLE_|CONNECTS_PER|APNS_|FCM_|VAPID_|WEBPUSH_|PUSH_CA|CORS_)/;

/** A boot must not go on; the message is one sentence a line, each of which says what to do. */
export class ConfigError extends Error {}

/** Reads the environment once. Throws ConfigError when a value is wrong or a name under our prefixes is unknown. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  const strangers = Object.keys(given).filter((name) => OURS.test(name) && !(name in environment.shape));
  const parsed = environment.safeParse(given);
  if (parsed.success && strangers.length === 0) return parsed.data;
  const wrong = parsed.success ? [] : parsed.error.issues.map(sentence);
  const unknown = strangers.map((name) => `${name} is not a setting of Usher: correct its name or unset it.`);
  throw new ConfigError([...wrong, ...unknown].join('\n'));
}

/** Never shows the value: it may be a secret. */
function sentence(issue: z.core.$ZodIssue): string {
  const name = String(issue.path[0]);
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  if (name === 'DATABASE_URL' && missing)
    return 'DATABASE_URL is not set: `npm start` brings an embedded PostgreSQL, `node dist/usher.js` needs a URL.';
  if (name === 'REDIS_URL' && missing)
    return 'REDIS_URL is not set: `npm start` brings an embedded Redis, `node dist/usher.js` needs a URL.';
  return `${name} ${issue.message}.`;
}
