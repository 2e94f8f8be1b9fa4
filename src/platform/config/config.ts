import process from 'node:process';
import { z } from 'zod';
import { checkConsole, consoleSettings } from './console-settings.js';
import { checkMessages, messageSettings } from './message-settings.js';
import { checkPush, pushSettings } from './push-settings.js';
import { tracingSettings } from './tracing-settings.js';
import { checkWarehouse, warehouseSettings } from './warehouse-settings.js';
import {
  authSettings,
  broadcastSettings,
  campaignSettings,
  connectionSettings,
  digestSettings,
  engagementSettings,
  nodeSettings,
  processorSettings,
  recommendationSettings,
  retentionSettings,
  streamSettings,
} from './settings.js';

/** The schema of all settings, by the names of their environment variables. */
export const environment = z
  .object({
    ...nodeSettings,
    ...authSettings,
    ...processorSettings,
    ...streamSettings,
    ...connectionSettings,
    ...digestSettings,
    ...recommendationSettings,
    ...engagementSettings,
    ...campaignSettings,
    ...broadcastSettings,
    ...retentionSettings,
    ...pushSettings,
    ...messageSettings,
    ...consoleSettings,
    ...tracingSettings,
    ...warehouseSettings,
  })
  .refine((env) => env.AUTH_JWT_SECRET !== undefined || env.AUTH_JWKS_URL !== undefined, {
    path: ['AUTH_JWT_SECRET'],
    error: 'is not set, nor is AUTH_JWKS_URL: set one, so that user tokens can be verified',
  })
  .refine(
    (env) => !env.APPLE_BUNDLE_ID || env.APPLE_ENVIRONMENT === 'Sandbox' || env.APPLE_APP_ID !== undefined,
    {
      path: ['APPLE_APP_ID'],
      error:
        'is not set: with APPLE_BUNDLE_ID it is needed to verify Apple’s notifications, unless APPLE_ENVIRONMENT is Sandbox',
    },
  )
  .refine((env) => env.PROCESSES === 1 || !env.TRANSPORTS.includes('polling'), {
    path: ['PROCESSES'],
    error:
      'must be 1 while TRANSPORTS contains polling: the requests of one session would reach different processes',
  })
  .superRefine(checkPush)
  .superRefine(checkMessages)
  .superRefine(checkConsole)
  .superRefine(checkWarehouse);

/** The settings of a node, checked and with defaults. */
export type Config = z.infer<typeof environment>;
/** Injection token of the Config. */
export const CONFIG = Symbol('CONFIG');

/** A variable with one of these prefixes that is not a setting is taken for a misspelt one. */
const OUR_PREFIXES =
  /^(AUTH_JW|STRIPE_(API|WEBHOOK|PER)|STANDARD_WEBHOOK|APPLE_(BUNDLE|APP_ID|ENVIRON|ROOT)|GOOGLE_(PACKAGE|PUBSUB|SERVICE_ACCOUNT|API_BASE|JWKS|PER)|PAST_DUE|RECONCILE_|LEASE_|GRACE_|HEARTBEAT_|ACK_TIMEOUT|DRAIN_|RECYCLE_|CONNECTS_PER|EVENT_STREAMS|TRUSTED_PROX|USER_CALLS|KEY_CALLS|WEBHOOKS_PER|RECEIPT_RET|PUSH_RET|RECOMMENDATIONS_|WEBHOOK_|STREAM_RET|AUDIT_RET|APNS_|FCM_|VAPID_|WEBPUSH_|PUSH_CA|CORS_|CONSOLE_|CONTACT_|PUBLIC_URL|SMTP_|TWILIO_|SMS_|EMAIL_PER|MESSAGE_|DIGESTS?_|ENGAGEMENT_|CAMPAIGN_|BROADCAST_|WAREHOUSE)/;

/** Stops the boot. The message is for the operator: one sentence a line, each of which says what to change. */
export class ConfigError extends Error {}

/** Returns the settings of this process. Nothing else reads its environment. Throws as `readConfig` does. */
export const loadConfig = (): Config => readConfig(process.env);

/** Returns the settings. Throws ConfigError when a value is wrong or a variable is misspelt. Empty variables count as not set. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  const misspelt = Object.keys(given).filter(
    (name) => OUR_PREFIXES.test(name) && !(name in environment.shape),
  );
  const parsed = environment.safeParse(given);
  if (parsed.success && misspelt.length === 0) return parsed.data;
  const errors = parsed.success ? [] : parsed.error.issues.map(sentenceOf);
  const unknown = misspelt.map((name) => `${name} is not a setting of Usher: correct its name or unset it.`);
  throw new ConfigError([...errors, ...unknown].join('\n'));
}

/** Never contains the value, which may be a secret. */
function sentenceOf(issue: z.core.$ZodIssue): string {
  const name = String(issue.path[0]);
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  if (name === 'DATABASE_URL' && missing)
    return 'DATABASE_URL is not set: `npm start` brings an embedded PostgreSQL, `node dist/usher.js` needs a URL.';
  if (name === 'REDIS_URL' && missing)
    return 'REDIS_URL is not set: `npm start` brings an embedded Redis, `node dist/usher.js` needs a URL.';
  return `${name} ${issue.message}.`;
}
