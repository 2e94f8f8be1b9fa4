import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import webPush from 'web-push';
import { ConfigError, environment, readConfig } from './config.js';

const SECRET = 'thirty-two bytes and some more, for tests';
const NEEDED = {
  DATABASE_URL: 'postgres://localhost/usher',
  REDIS_URL: 'redis://localhost',
  AUTH_JWT_SECRET: SECRET,
};

/** The message with which the boot stops. */
function errorOf(env: Record<string, string | undefined>): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('the settings', () => {
  test('all but the databases and the verification of user tokens have defaults', () => {
    expect(readConfig(NEEDED)).toMatchObject({
      PORT: 3_000,
      ROLES: ['gateway', 'api', 'worker'],
      TRANSPORTS: ['websocket'],
      AUTH_JWT_AUDIENCE: 'usher',
      CORS_ORIGINS: [],
      STRIPE_WEBHOOK_SECRET: [],
      LEASE_SECONDS: 90,
      GRACE_SECONDS: 300,
      HEARTBEAT_SECONDS: 60,
      ACK_TIMEOUT_SECONDS: 5,
      DRAIN_SECONDS: 20,
    });
  });

  test('empty or blank values count as not set', () => {
    const blank = { PORT: ' ', GRACE_SECONDS: '\t', ADMIN_KEY: '', CORS_ORIGINS: '' };
    expect(readConfig({ ...NEEDED, ...blank })).toMatchObject({
      PORT: 3_000,
      GRACE_SECONDS: 300,
      CORS_ORIGINS: [],
    });
  });

  test('one process serves unless more are asked for, and auto is one for each core', () => {
    const processes = (PROCESSES: string) => readConfig({ ...NEEDED, PROCESSES }).PROCESSES;
    expect(readConfig(NEEDED).PROCESSES).toBe(1);
    expect([processes('1'), processes('8'), processes('auto')]).toEqual([1, 8, availableParallelism()]);
    for (const wrong of ['0', '257', '1.5', 'all'])
      expect(errorOf({ ...NEEDED, PROCESSES: wrong })).toBe(
        'PROCESSES must be auto, or a number from 1 to 256.',
      );
  });

  test('several processes cannot serve polling, whose requests would reach different ones', () => {
    const polling = { ...NEEDED, TRANSPORTS: 'websocket,polling' };
    expect(errorOf({ ...polling, PROCESSES: '2' })).toContain('PROCESSES must be 1 while TRANSPORTS');
    expect(readConfig({ ...polling, PROCESSES: '1' }).PROCESSES).toBe(1);
  });

  test('lists may contain spaces and trailing commas', () => {
    const lists = {
      ROLES: ' api , worker,',
      CORS_ORIGINS: 'https://a.example, https://b.example',
      STRIPE_WEBHOOK_SECRET: 'whsec_new,whsec_old',
    };
    expect(readConfig({ ...NEEDED, ...lists })).toMatchObject({
      ROLES: ['api', 'worker'],
      CORS_ORIGINS: ['https://a.example', 'https://b.example'],
      STRIPE_WEBHOOK_SECRET: ['whsec_new', 'whsec_old'],
    });
  });

  test('variables of other programs are ignored', () => {
    const others = {
      PATH: '/bin',
      PGHOST: 'x',
      npm_config_cache: 'y',
      GOOGLE_APPLICATION_CREDENTIALS: 'z',
      APPLE_ID: 'a',
    };
    expect(() => readConfig({ ...NEEDED, ...others })).not.toThrow();
  });
});

describe('a setting that is missing', () => {
  test.each(['DATABASE_URL', 'REDIS_URL', 'AUTH_JWT_SECRET'] as const)(
    '%s stops the boot with one sentence that says what to do',
    (name) => {
      const message = errorOf({ ...NEEDED, [name]: undefined });
      expect(message).toMatch(new RegExp(`^${name} is not set`));
      expect(message.split('\n')).toHaveLength(1);
    },
  );

  test('AUTH_JWKS_URL may be set instead of a secret', () => {
    expect(() =>
      readConfig({ ...NEEDED, AUTH_JWT_SECRET: undefined, AUTH_JWKS_URL: 'https://id.example/jwks.json' }),
    ).not.toThrow();
  });
});

/** Wrong values for each setting that can have one; each would be recognised in a message. */
const WRONG: Partial<Record<keyof typeof environment.shape, string[]>> = {
  NODE_ENV: ['wr0ng'],
  PORT: ['wr0ng', '-7', '7.25', '777777', 'NaN'],
  ROLES: ['wr0ng', 'api,wr0ng', ',', ' , '],
  DATABASE_URL: ['wr0ng', 'mysql://user:wr0ng@host/db', 'http://wr0ng'],
  REDIS_URL: [
    'wr0ng',
    'http://user:wr0ng@host',
    'redis://a,wr0ng',
    'redis://:wr0ng@a,redis://b',
    'redis://a,rediss://wr0ng',
    'redis://a/3,redis://wr0ng/3',
    'redis+sentinel://wr0ng:26379',
    'redis+sentinel://a:wr0ng/mymaster',
    'redis+sentinel://wr0ng%@a/mymaster',
    'redis+sentinel://a/mymaster,redis://wr0ng',
  ],
  AUTH_JWT_SECRET: ['wr0ng', 'wr0ng'.repeat(6)],
  AUTH_JWKS_URL: ['wr0ng', 'ftp://wr0ng', 'file:///wr0ng'],
  ADMIN_KEY: ['wr0ng', 'wr0ng with spaces in it'],
  STRIPE_API_BASE: ['wr0ng', 'ftp://wr0ng'],
  STANDARD_WEBHOOK_SECRET: ['wr0ng!', 'whsec_wr0ng of two words'],
  APPLE_APP_ID: ['wr0ng', '-7', '7.25'],
  APPLE_ENVIRONMENT: ['wr0ng'],
  GOOGLE_SERVICE_ACCOUNT_KEY: ['wr0ng', '/wr0ng/file.json', '{wr0ng', '{"client_email":"wr0ng"}'],
  GOOGLE_API_BASE: ['wr0ng', 'ftp://wr0ng'],
  GOOGLE_JWKS_URL: ['wr0ng', 'file:///wr0ng'],
  PAST_DUE_DAYS: ['wr0ng', '-7', '366', '1.5'],
  RECONCILE_SECONDS: ['wr0ng', '0', '86401'],
  LEASE_SECONDS: ['wr0ng', '0', '3601', '12.5', '-77'],
  GRACE_SECONDS: ['wr0ng', '-77', '86401'],
  HEARTBEAT_SECONDS: ['wr0ng', '0', '3601'],
  TRANSPORTS: ['wr0ng', 'websocket,wr0ng'],
  SOCKETS: ['wr0ng'],
  ACK_TIMEOUT_SECONDS: ['wr0ng', '0', '301'],
  DRAIN_SECONDS: ['wr0ng', '-77', '601'],
  APNS_KEY: ['wr0ng', '/wr0ng/file.p8', '-----BEGIN PRIVATE KEY-----\\nwr0ng\\n-----END PRIVATE KEY-----'],
  APNS_ORIGIN: ['wr0ng', 'http://wr0ng'],
  FCM_CREDENTIALS: ['wr0ng', '/wr0ng/file.json', '{wr0ng', '{"project_id":"wr0ng"}'],
  FCM_ORIGIN: ['wr0ng', 'http://wr0ng'],
  VAPID_SUBJECT: ['wr0ng', 'http://wr0ng'],
  VAPID_PUBLIC_KEY: ['wr0ng', 'wr0ng!'],
  VAPID_PRIVATE_KEY: ['wr0ng', 'wr0ng!'],
  WEBPUSH_HOSTS: ['https://wr0ng', '*.wr0ng', ',', 'a,wr0ng/x'],
  PUSH_CA_FILE: ['wr0ng', '/wr0ng/ca.pem'],
  FCM_PER_MINUTE: ['wr0ng', '0', '1.5'],
  APNS_PER_MINUTE: ['wr0ng', '0', '1.5'],
  WEBPUSH_PER_MINUTE: ['wr0ng', '0', '1.5'],
  LOG_LEVEL: ['wr0ng', 'WR0NG'],
  OTEL_EXPORTER_OTLP_ENDPOINT: ['wr0ng', 'ftp://wr0ng'],
  OTEL_EXPORTER_OTLP_HEADERS: ['wr0ng', 'a b=wr0ng'],
  OTEL_TRACES_EXPORTER: ['wr0ng', 'zipkin-wr0ng'],
  OTEL_TRACES_SAMPLER_ARG: ['wr0ng', '-7', '1.5'],
};

describe('a wrong value stops the boot with one sentence that names the setting and never shows the value', () => {
  test.each(
    Object.entries(WRONG).flatMap(([name, values]) => values.map((value): [string, string] => [name, value])),
  )('%s=%s', (name, value) => {
    const message = errorOf({ ...NEEDED, [name]: value });
    expect(message).toMatch(new RegExp(`^${name} [^\\n]{5,}\\.$`));
    expect(message.split(' ')).not.toContain(value);
    expect(message.toLowerCase()).not.toContain('wr0ng');
  });

  test('several wrong values are all reported, a line for each', () => {
    const messages = errorOf({ ...NEEDED, PORT: 'wr0ng', LOG_LEVEL: 'wr0ng', ADMIN_KEY: 'short' }).split(
      '\n',
    );
    expect(messages.map((sentence) => sentence.split(' ')[0]).sort()).toEqual([
      'ADMIN_KEY',
      'LOG_LEVEL',
      'PORT',
    ]);
  });
});

test('APPLE_APP_ID is needed in production and not in the sandbox', () => {
  const apple = { ...NEEDED, APPLE_BUNDLE_ID: 'com.example', APPLE_ROOT_CERTIFICATES: 'root.cer' };
  expect(errorOf(apple)).toMatch(/^APPLE_APP_ID is not set/);
  expect(() => readConfig({ ...apple, APPLE_APP_ID: '1' })).not.toThrow();
  expect(() => readConfig({ ...apple, APPLE_ENVIRONMENT: 'Sandbox' })).not.toThrow();
});

describe('the push services', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const APNS_KEY = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const whole = { ...NEEDED, APNS_KEY, APNS_KEY_ID: 'K', APNS_TEAM_ID: 'T', APNS_TOPIC: 'com.example' };

  test('settings that have no effect alone must be set together', () => {
    expect(() => readConfig(whole)).not.toThrow();
    expect(errorOf({ ...whole, APNS_TOPIC: '', APNS_KEY_ID: '' }).split('\n')).toEqual([
      expect.stringMatching(/^APNS_KEY_ID is not set: APNS_KEY, /),
      expect.stringMatching(/^APNS_TOPIC is not set: APNS_KEY, /),
    ]);
  });

  test('a key may be given as a file, or as text with escaped line breaks', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'usher-p8-')), 'key.p8');
    writeFileSync(file, APNS_KEY);
    expect(readConfig({ ...whole, APNS_KEY: file }).APNS_KEY).toBe(APNS_KEY);
    expect(readConfig({ ...whole, APNS_KEY: APNS_KEY.replaceAll('\n', '\\n') }).APNS_KEY).toBe(APNS_KEY);
    rmSync(dirname(file), { recursive: true });
  });

  test('the two VAPID keys must be a pair', () => {
    const [one, other] = [webPush.generateVAPIDKeys(), webPush.generateVAPIDKeys()];
    const vapid = { ...NEEDED, VAPID_PUBLIC_KEY: one.publicKey, VAPID_SUBJECT: 'mailto:ops@example.com' };
    expect(() => readConfig({ ...vapid, VAPID_PRIVATE_KEY: one.privateKey })).not.toThrow();
    expect(errorOf({ ...vapid, VAPID_PRIVATE_KEY: other.privateKey })).toMatch(
      /^VAPID_PRIVATE_KEY does not belong/,
    );
  });
});

describe('a misspelt name', () => {
  test.each([
    'AUTH_JWT_SECRETS',
    'AUTH_JWKS_URI',
    'STRIPE_WEBHOOK_SECRETS',
    'LEASE_SECOND',
    'CORS_ORIGIN',
    'APNS_KEYID',
    'VAPID_KEY',
    'WEBPUSH_HOST',
    'DRAIN_SECS',
    'STANDARD_WEBHOOK_SECRETS',
    'APPLE_BUNDLE',
    'APPLE_ROOT_CERTIFICATE',
    'GOOGLE_PUBSUB_EMAIL',
    'GOOGLE_SERVICE_ACCOUNT',
    'PAST_DUE_DAY',
    'RECONCILE_SECS',
  ])('%s stops the boot with a sentence that does not show its value', (name) => {
    const message = errorOf({ ...NEEDED, [name]: 'a-value-that-may-be-secret' });
    expect(message).toMatch(new RegExp(`^${name} is not a setting of Usher`));
    expect(message).not.toContain('a-value-that-may-be-secret');
  });
});
