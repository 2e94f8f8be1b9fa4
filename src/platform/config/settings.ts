import { z } from 'zod';
import { serviceAccount } from '../google/service-account.js';
import { jsonOrFile } from './key-settings.js';
import {
  integer,
  list,
  processes,
  proxies,
  redisUrls,
  seconds,
  secret,
  secrets,
  someOf,
  text,
  timeZone,
  url,
  urlOrPath,
} from './setting-types.js';

/** What a node can do. `gateway` holds connections, `api` serves calls, `worker` runs the periodic jobs. */
const ROLES = ['gateway', 'api', 'worker'] as const;
const SERVICE_ACCOUNT_KEY = 'must be the JSON key of a service account, or the file that holds it';
const TRANSPORTS = ['websocket', 'polling'] as const;

/** The process and its databases. */
export const nodeSettings = {
  /** With `development`, `dist/usher-demo.js` serves the demo page, which issues a token to everybody who asks. */
  NODE_ENV: z.enum(['development', 'production', 'test']).default('production'),
  /** The TCP port to listen on; 0 for any free one. */
  PORT: integer(0, 65_535).default(3000),
  /** The address to listen on. */
  HOST: text().default('0.0.0.0'),
  /** What this node does, with commas between. */
  ROLES: someOf(ROLES, [...ROLES]),
  /** How many processes serve on this port, each a node of its own; `auto`: one for each core. */
  PROCESSES: processes(),
  /** PostgreSQL. */
  DATABASE_URL: url('postgres:', 'postgresql:'),
  /** Redis: one server, several servers of one cluster with commas between, or Sentinels (`redis+sentinel://host,host2/name`). */
  REDIS_URL: redisUrls(),
  /** Web origins, besides the node's own, whose pages may call the API and connect; exact, with commas between. */
  CORS_ORIGINS: list().default([]),
  /** Where the documentation is served: an absolute URL, or a path of this origin. The `type` of an error leads to `/errors` below it. */
  DOCS_URL: urlOrPath().default('/docs'),
  /**
   * The proxies whose `X-Forwarded-For` is believed: addresses and networks, with commas between, or `loopback`, `linklocal`,
   * `uniquelocal` (private networks). By default all of these, since a proxy of one's own has such an address.
   */
  TRUSTED_PROXIES: proxies(),
  /** HTTP calls of one user a second that a node answers, with bursts of five seconds' worth; others get `rate_limited`. */
  USER_CALLS_PER_SECOND: integer(1, 1_000_000).default(20),
  /** The same for one service key. */
  KEY_CALLS_PER_SECOND: integer(1, 1_000_000).default(5_000),
  /** Webhooks from one address a second that a node reads, with bursts of five seconds' worth. */
  WEBHOOKS_PER_SECOND: integer(1, 1_000_000).default(500),
  /** The least severe level that is logged. */
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
};

/** Who may call. AUTH_JWT_SECRET or AUTH_JWKS_URL must be set; with both, AUTH_JWKS_URL is used. */
export const authSettings = {
  /** Verifies user tokens signed with HS256; at least 32 bytes. */
  AUTH_JWT_SECRET: secret(32).optional(),
  /** Where the public keys are that verify user tokens (a JSON Web Key Set). */
  AUTH_JWKS_URL: url('https:', 'http:').optional(),
  /** The `iss` that user tokens must have; not checked if this is not set. */
  AUTH_JWT_ISSUER: text().optional(),
  /** The `aud` that user tokens must have. */
  AUTH_JWT_AUDIENCE: text().default('usher'),
  /** Days that user tokens may live. Revocations are kept as long, so that none is forgotten before the tokens that it refuses. */
  AUTH_JWT_MAX_DAYS: integer(1, 400).default(30),
  /** A service key with every scope, to create the others with; at least 16 bytes. */
  ADMIN_KEY: secret(16).regex(/^\S+$/, 'must not contain spaces: it travels in an HTTP header').optional(),
};

/** The payment processors. */
export const processorSettings = {
  /** Verifies Stripe's webhooks; several with commas between while one is replaced. */
  STRIPE_WEBHOOK_SECRET: list().default([]),
  /** Reads subscriptions from Stripe and changes them; without it webhooks are trusted as they come, and changes are refused. */
  STRIPE_API_KEY: text().optional(),
  /** Stripe's address, for a proxy or a test. */
  STRIPE_API_BASE: url('https:', 'http:').optional(),
  /**
   * Requests that Stripe may be sent a second, by all nodes together. Stripe allows an account 25 for each endpoint, 100 in all
   * (docs.stripe.com/rate-limits).
   */
  STRIPE_PER_SECOND: integer(1, 10_000).default(25),
  /** Verifies webhooks of in-house billing (Standard Webhooks): `whsec_` and base64, several with commas between. */
  STANDARD_WEBHOOK_SECRET: list()
    .refine((all) => all.every((one) => /^(whsec_)?[A-Za-z0-9+/]{4,}={0,2}$/.test(one)), {
      error: 'must be whsec_ and base64, several by comma; `echo whsec_$(openssl rand -base64 32)` makes one',
    })
    .default([]),
  /** The app whose App Store notifications are accepted. */
  APPLE_BUNDLE_ID: text().optional(),
  /** The app's number in App Store Connect; needed with APPLE_ENVIRONMENT=Production. */
  APPLE_APP_ID: z.coerce
    .number()
    .int()
    .positive('must be the number that App Store Connect shows')
    .optional(),
  /** Which App Store sends the notifications. */
  APPLE_ENVIRONMENT: z.enum(['Production', 'Sandbox']).default('Production'),
  /** Files with Apple's root certificates, with commas between. */
  APPLE_ROOT_CERTIFICATES: list().default([]),
  /** The Android app. */
  GOOGLE_PACKAGE_NAME: text().optional(),
  /** The audience of Google's Pub/Sub push tokens. */
  GOOGLE_PUBSUB_AUDIENCE: text().optional(),
  /** The mail address of the service account that signs Pub/Sub push tokens. */
  GOOGLE_PUBSUB_SERVICE_ACCOUNT: text().optional(),
  /** The service account that reads purchases: its JSON key, or the file that holds it. */
  GOOGLE_SERVICE_ACCOUNT_KEY: jsonOrFile(serviceAccount, SERVICE_ACCOUNT_KEY).optional(),
  /** Requests that Google Play may be sent a minute, by all nodes together: the quota of a project (developers.google.com/android-publisher/quotas). */
  GOOGLE_PER_MINUTE: integer(1, 1_000_000).default(3_000),
  /** The address of Google Play's API, for tests. */
  GOOGLE_API_BASE: url('https:', 'http:').default('https://androidpublisher.googleapis.com'),
  /** Where the keys are that verify Pub/Sub push tokens, for tests. */
  GOOGLE_JWKS_URL: url('https:', 'http:').default('https://www.googleapis.com/oauth2/v3/certs'),
  /** Days that a membership stays valid after its payment failed. */
  PAST_DUE_DAYS: integer(0, 365).default(30),
  /** Seconds between the end of one reconciliation with a processor and the start of the next. */
  RECONCILE_SECONDS: seconds(300, 1, 86_400),
};

/** Concurrent streams and their leases. */
export const streamSettings = {
  /** Seconds that a stream's lease is valid; edge nodes renew it three times in that time. */
  LEASE_SECONDS: seconds(90, 1, 3_600),
  /** Days that one key signs leases. */
  LEASE_KEY_DAYS: integer(1, 365).default(30),
  /**
   * Encrypts the keys that sign leases in the database, which are in the clear without it. At least 32 bytes, the same on every
   * node; several with commas between while it is replaced, the new one first.
   */
  LEASE_KEY_SECRET: secrets(32).default([]),
  /** Seconds that running streams may go on while PostgreSQL is down. */
  GRACE_SECONDS: seconds(300, 0, 86_400),
  /** Seconds between the heartbeats of a playing device; two or four times as many under load. */
  HEARTBEAT_SECONDS: seconds(60, 1, 3_600),
};

/** Digests. */
export const digestSettings = {
  /** Minutes over which the digests of one local time are spread: a user's turn in it is always the same. 0: all at once. */
  DIGEST_WINDOW_MINUTES: integer(0, 180).default(30),
  /** Digests that all nodes together may make a second; the others are late. */
  DIGESTS_PER_SECOND: integer(1, 1_000_000).default(2_000),
  /** The time zone of users who have no device with one (IANA). */
  DIGEST_TIMEZONE: timeZone('UTC'),
};

/** Front pages. */
export const recommendationSettings = {
  /** The longest window, in seconds, over which the connected users of a nightly file are told of their pages. 0: all are told at once. */
  RECOMMENDATIONS_WINDOW_SECONDS: seconds(300, 0, 3_600),
  /** Users told a second: the window is as long as all users of the files that a node ingests take at this rate. A file with no more users tells them at once. */
  RECOMMENDATIONS_PER_SECOND: integer(1, 1_000_000).default(1_000),
};

/** What people do with what they are sent. */
export const engagementSettings = {
  /** Days that engagement events are kept; what is counted of them stays. A link is counted for as long. */
  ENGAGEMENT_RETENTION_DAYS: integer(9, 3_650).default(30),
  /** Types of events, with commas between, of which each device that receives one is counted as `delivered`. */
  ENGAGEMENT_EVENT_TYPES: list().default([]),
  /** Kinds of engagement, with commas between, that apps may report of their user besides opened, tapped and dismissed. */
  ENGAGEMENT_APP_KINDS: list().default([]),
};

/** Campaigns. */
export const campaignSettings = {
  /** Who approves a campaign: `anyone` who may write one, or `another` person or key than the one that wrote it last. */
  CAMPAIGN_APPROVAL: z.enum(['anyone', 'another']).default('anyone'),
  /** Members of campaigns that all nodes together may queue a second. What is queued then has the budgets of the providers. */
  CAMPAIGN_MEMBERS_PER_SECOND: integer(1, 1_000_000).default(2_000),
};

/** Events for everyone. */
export const broadcastSettings = {
  /** Of so many users one is counted for the receipts of broadcasts, always the same ones; 1: everyone. */
  BROADCAST_RECEIPT_SAMPLE: integer(1, 1_000_000).default(100),
};

/** How many days what only explains the past is kept. */
export const retentionSettings = {
  /** Receipts, since their first step. They decide whether a push is still needed, which is sent for a day at most. */
  RECEIPT_RETENTION_DAYS: integer(2, 3_650).default(30),
  /** Pushes, since they were settled. */
  PUSH_RETENTION_DAYS: integer(2, 3_650).default(30),
  /** The bodies of webhooks that were applied or need not be: personal data. Processors send a webhook again for three days at most. */
  WEBHOOK_BODY_RETENTION_DAYS: integer(1, 3_650).default(7),
  /** The rest of such webhooks, by which one that comes again is known. */
  WEBHOOK_RETENTION_DAYS: integer(7, 3_650).default(90),
  /** Streams, since they ended. */
  STREAM_RETENTION_DAYS: integer(2, 3_650).default(2),
  /** Who were members of campaigns, since they were found. A campaign is of use for a month, a local day and its last mails at most. */
  CAMPAIGN_RETENTION_DAYS: integer(40, 3_650).default(90),
  /** Entries of the audit. For 30 days nobody can remove one: the migration's trigger says so too. */
  AUDIT_RETENTION_DAYS: integer(30, 3_650).default(400),
};

/** The devices' connections. */
export const connectionSettings = {
  /** How Socket.IO may connect, with commas between; with `polling` a load balancer needs sticky sessions. */
  TRANSPORTS: someOf(TRANSPORTS, ['websocket']),
  /** How Socket.IO is used: `direct` writes frames past it, which costs less CPU; `stock` by its public ways alone. */
  SOCKETS: z.enum(['direct', 'stock']).default('direct'),
  /** Seconds after which an event that was not acknowledged is sent once more, and pushed. */
  ACK_TIMEOUT_SECONDS: seconds(5, 1, 300),
  /** Seconds in which a node that stops asks its devices to connect elsewhere. */
  DRAIN_SECONDS: seconds(20, 0, 600),
  /** Seconds after which a connection is asked to reconnect, spread over 5/6 to 7/6 of this. */
  RECYCLE_SECONDS: seconds(1_800, 1, 86_400),
  /** Devices that a node lets connect in a second, with bursts of two seconds' worth; others are refused with `overload`. */
  CONNECTS_PER_SECOND: integer(1, 1_000_000).default(1_000),
  /** Handshakes without a valid token that one address may attempt in a second, with bursts of ten seconds' worth. */
  CONNECTS_PER_ADDRESS: integer(1, 1_000_000).default(100),
  /** Connects of one user in a second, with bursts of ten seconds' worth. */
  CONNECTS_PER_USER: integer(1, 1_000_000).default(20),
  /** Event streams (Server-Sent Events) that one user may have open on a node. */
  EVENT_STREAMS_PER_USER: integer(1, 1_000_000).default(20),
  /** Event streams that one address may have open on a node. */
  EVENT_STREAMS_PER_ADDRESS: integer(1, 1_000_000).default(1_000),
};
