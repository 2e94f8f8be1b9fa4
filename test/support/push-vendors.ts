import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type Config, readConfig } from '../../src/platform/config/config.js';
import { MetricsService } from '../../src/platform/metrics/metrics.service.js';
import { ApnsProvider } from '../../src/push/providers/apns/apns.provider.js';
import { FcmProvider } from '../../src/push/providers/fcm/fcm.provider.js';
import { ProviderMonitorService } from '../../src/push/providers/provider-monitor.service.js';
import type { PushAddress } from '../../src/devices/push-address.schema.js';
import type { PushMessage } from '../../src/push/providers/push-message.js';
import type { PushProvider } from '../../src/push/providers/push-provider.js';
import { pushProviders } from '../../src/push/providers/registry.js';
import { RESILIENCE_LIMITS, type ResilienceLimits } from '../../src/push/providers/resilience.js';
import { ResilientProvider } from '../../src/push/providers/resilient.provider.js';
import { WebPushProvider } from '../../src/push/providers/webpush/webpush.provider.js';
import { type PretendApns, pretendApns } from './pretend-apns.js';
import { fcmError, type PretendFcm, pretendFcm } from './pretend-fcm.js';
import type { Reply, Script } from './pretend-vendor.js';
import { type PretendWebPush, pretendWebPush } from './pretend-webpush.js';

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
  make(config: Config): PushProvider | undefined;
  address(): PushAddress;
  /** How it says each of these. */
  readonly replies: Record<'unregistered' | 'misconfigured' | 'rejected' | 'away' | 'paced', Reply>;
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
  make: (config) => ApnsProvider.create(config, 600),
  address: () => ({ kind: 'apns', address: randomBytes(32).toString('hex') }),
  replies: {
    unregistered: { status: 410, body: { reason: 'Unregistered', timestamp: Date.UTC(2026, 0, 2) } },
    misconfigured: reason(403, 'InvalidProviderToken'),
    rejected: reason(400, 'BadCollapseId'),
    away: reason(503, 'ServiceUnavailable'),
    paced: reason(429, 'TooManyRequests'),
  },
  saysWhen: false,
};
export const FCM: Subject = {
  name: 'fcm',
  pretend: () => fcm,
  make: (config) => FcmProvider.create(config),
  address: () => ({ kind: 'fcm_token', address: randomUUID() }),
  replies: {
    unregistered: fcmError(404, 'UNREGISTERED'),
    misconfigured: fcmError(401, 'THIRD_PARTY_AUTH_ERROR'),
    rejected: fcmError(400, 'INVALID_ARGUMENT'),
    away: fcmError(503, 'UNAVAILABLE', waitHere),
    paced: fcmError(429, 'QUOTA_EXCEEDED', waitHere),
  },
  saysWhen: true,
};
export const WEBPUSH: Subject = {
  name: 'webpush',
  pretend: () => webPush,
  make: (config) => WebPushProvider.create(config),
  address: () => webPush.subscribe(),
  replies: {
    unregistered: { status: 410 },
    misconfigured: { status: 403 },
    rejected: { status: 413 },
    away: { status: 503, headers: waitHere },
    paced: { status: 429, headers: waitHere },
  },
  saysWhen: true,
};

/** All that was logged, and everything that is secret and must not be in it. */
export const logged: string[] = [];
const secrets = new Set<string>();
const open: ResilientProvider[] = [];
export let metrics: MetricsService;
let watch: ProviderMonitorService;

/** Brings the pretend vendors up for the tests of the file that calls it. */
export function withPretendVendors(): void {
  beforeAll(async () => {
    [apns, fcm, webPush] = await Promise.all([pretendApns(), pretendFcm(), pretendWebPush()]);
  });
  afterAll(async () => {
    await Promise.all([apns.close(), fcm.close(), webPush.close()]);
  });
  beforeEach(() => {
    metrics = new MetricsService();
    watch = new ProviderMonitorService(metrics, pushProviders);
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
const TIMEOUT_MS = 5_000;

/** The provider behind its timeout, bulkhead and circuit breaker; closed after the test. */
export function resilient(
  subject: Subject,
  limits: Partial<ResilienceLimits> = {},
  environment: Record<string, string> = {},
): ResilientProvider {
  const provider = subject.make(configOf({ ...subject.pretend().environment, ...environment }));
  if (!provider) throw new Error(`${subject.name} is not configured`);
  const all = { ...RESILIENCE_LIMITS, timeoutMs: TIMEOUT_MS, ...limits };
  const wrapped = new ResilientProvider(subject.name, provider, watch, all);
  open.push(wrapped);
  return wrapped;
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
