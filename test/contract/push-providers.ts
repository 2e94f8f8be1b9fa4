import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type Config, readConfig } from '../../src/platform/config/config.js';
import { Metrics } from '../../src/platform/metrics.js';
import { ApnsSender } from '../../src/push/apns/apns.sender.js';
import { FcmSender } from '../../src/push/fcm/fcm.sender.js';
import { GuardWatch } from '../../src/push/guard-watch.service.js';
import { LIMITS, type Limits } from '../../src/push/guard.js';
import { GuardedVendor, type VendorSender } from '../../src/push/guard.sender.js';
import type { PushAddress, PushMessage } from '../../src/push/vendor.js';
import { WebPushSender } from '../../src/push/webpush/webpush.sender.js';
import { type PretendApns, pretendApns } from '../support/fakes/fake-apns.js';
import { fcmError, type PretendFcm, pretendFcm } from '../support/fakes/fake-fcm.js';
import type { Reply, Script } from '../support/fakes/fake-push-provider.js';
import { type PretendWebPush, pretendWebPush } from '../support/fakes/fake-web-push.js';

/** What the tests need of every pretend vendor. */
interface Pretend {
  readonly environment: Record<string, string>;
  readonly script: Script;
  readonly got: readonly unknown[];
  readonly asked: number;
  readonly connections: number;
  readonly openConnections: number;
  cut(): void;
  close(): Promise<void>;
}

/** One vendor as a test sees it. */
export interface Subject {
  readonly name: 'apns' | 'fcm' | 'webpush';
  pretend(): Pretend;
  make(config: Config): VendorSender;
  address(): PushAddress;
  /** How it says each of these. */
  readonly replies: Record<'gone' | 'our_fault' | 'sender_fault' | 'away' | 'paced', Reply>;
  /** Whether its pace is said in a Retry-After that we can read. */
  readonly saysWhen: boolean;
}

const NEEDED = {
  DATABASE_URL: 'postgres://localhost/usher',
  REDIS_URL: 'redis://localhost',
  AUTH_JWT_SECRET: 'thirty-two bytes and some more, for tests',
};
export let apns: PretendApns;
export let fcm: PretendFcm;
export let webPush: PretendWebPush;

const reason = (status: number, text: string): Reply => ({ status, body: { reason: text } });
const waitHere = { 'retry-after': '7' };
export const APNS: Subject = {
  name: 'apns',
  pretend: () => apns,
  make: (config) => new ApnsSender(config, 600),
  address: () => ({ kind: 'apns', address: randomBytes(32).toString('hex') }),
  replies: {
    gone: { status: 410, body: { reason: 'Unregistered', timestamp: Date.UTC(2026, 0, 2) } },
    our_fault: reason(403, 'InvalidProviderToken'),
    sender_fault: reason(400, 'BadCollapseId'),
    away: reason(503, 'ServiceUnavailable'),
    paced: reason(429, 'TooManyRequests'),
  },
  saysWhen: false,
};
export const FCM: Subject = {
  name: 'fcm',
  pretend: () => fcm,
  make: (config) => new FcmSender(config),
  address: () => ({ kind: 'fcm_token', address: randomUUID() }),
  replies: {
    gone: fcmError(404, 'UNREGISTERED'),
    our_fault: fcmError(401, 'THIRD_PARTY_AUTH_ERROR'),
    sender_fault: fcmError(400, 'INVALID_ARGUMENT'),
    away: fcmError(503, 'UNAVAILABLE', waitHere),
    paced: fcmError(429, 'QUOTA_EXCEEDED', waitHere),
  },
  saysWhen: true,
};
export const WEBPUSH: Subject = {
  name: 'webpush',
  pretend: () => webPush,
  make: (config) => new WebPushSender(config),
  address: () => webPush.subscribe(),
  replies: {
    gone: { status: 410 },
    our_fault: { status: 403 },
    sender_fault: { status: 413 },
    away: { status: 503, headers: waitHere },
    paced: { status: 429, headers: waitHere },
  },
  saysWhen: true,
};

/** All that was logged, and everything that is secret and must not be in it. */
export const logged: string[] = [];
const secrets = new Set<string>();
const open: GuardedVendor[] = [];
export let metrics: Metrics;
let watch: GuardWatch;

/** Brings the pretend vendors up for the tests of the file that calls it. */
export function withPretendVendors(): void {
  beforeAll(async () => {
    [apns, fcm, webPush] = await Promise.all([pretendApns(), pretendFcm(), pretendWebPush()]);
  });
  afterAll(async () => {
    await Promise.all([apns.close(), fcm.close(), webPush.close()]);
  });
  beforeEach(() => {
    metrics = new Metrics();
    watch = new GuardWatch(metrics);
    const keep = (...said: unknown[]) => void logged.push(said.map(String).join(' '));
    Logger.overrideLogger({ log: keep, error: keep, warn: keep, debug: keep, verbose: keep });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((vendor) => vendor.close()));
    Logger.overrideLogger(false);
    for (const { script } of [apns, fcm, webPush]) script.clear();
  });
}

/** After all other tests of a file: `test('no address, key or token was ever logged', noSecretWasLogged)`. */
export function noSecretWasLogged(): void {
  for (const { environment } of [apns, fcm, webPush])
    for (const [name, value] of Object.entries(environment))
      if (/KEY$|CREDENTIALS/.test(name)) secrets.add(value);
  for (const { jwt } of apns.got) secrets.add(jwt);
  const text = logged.join('\n');
  expect([...secrets].filter((secret) => text.includes(secret))).toEqual([]);
}

export const configOf = (environment: Record<string, string>) => readConfig({ ...NEEDED, ...environment });

/** Long enough for a machine that is busy. */
const DEADLINE_MS = 5_000;

/** The vendor's sender behind its guard; closed after the test. */
export function guarded(
  subject: Subject,
  limits: Partial<Limits> = {},
  environment: Record<string, string> = {},
): GuardedVendor {
  return behindGuard(subject, { ...subject.pretend().environment, ...environment }, limits);
}

/** The same without any settings of a vendor. */
export const unconfigured = (subject: Subject) => behindGuard(subject, {}, {});

function behindGuard(
  subject: Subject,
  environment: Record<string, string>,
  limits: Partial<Limits>,
): GuardedVendor {
  const sender = subject.make(configOf(environment));
  const vendor = new GuardedVendor(sender, watch, { ...LIMITS, deadlineMs: DEADLINE_MS, ...limits });
  open.push(vendor);
  return vendor;
}

/** Something to show at that address, which must not be logged. */
export function message(to: PushAddress, more: Partial<PushMessage> = {}): PushMessage {
  secrets.add(to.address);
  const show = { title: 'Your plan', body: 'Basic from today' };
  return { to, show, data: { id: 'evt_1' }, urgency: 'high', ...more };
}

export function lastOf<T>(all: readonly T[]): T {
  const last = all.at(-1);
  if (last === undefined) throw new Error('nothing came');
  return last;
}

/** The settings that aim the vendor at an address. */
export function at({ name }: Subject, origin: string): Record<string, string> {
  if (name === 'webpush') return { WEBPUSH_HOSTS: new URL(origin).host };
  return name === 'apns' ? { APNS_ORIGIN: origin } : { FCM_ORIGIN: origin, ...credentialsAt(origin) };
}

function credentialsAt(origin: string): Record<string, string> {
  const account = JSON.parse(fcm.environment.FCM_CREDENTIALS ?? '{}') as Record<string, unknown>;
  return { FCM_CREDENTIALS: JSON.stringify({ ...account, token_uri: `${origin}/token` }) };
}

export const movedTo = (to: PushAddress, host: string): PushAddress => {
  const url = new URL(to.address);
  url.host = host;
  return { ...to, address: url.href };
};
