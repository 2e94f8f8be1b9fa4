import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Config } from '../../../src/platform/config/config.js';
import { NodeFactsService } from '../../../src/platform/node-facts.service.js';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import { ApnsProvider } from '../../../src/push/providers/apns/apns.provider.js';
import { FcmProvider } from '../../../src/push/providers/fcm/fcm.provider.js';
import { ProviderMonitorService } from '../../../src/push/providers/provider-monitor.service.js';
import type { PushAddress } from '../../../src/devices/push-address.schema.js';
import type { PushMessage } from '../../../src/push/providers/push-message.js';
import type { PushProvider } from '../../../src/push/providers/push-provider.js';
import { pushProviders } from '../../../src/push/providers/registry.js';
import { RESILIENCE_LIMITS, type ResilienceLimits } from '../../../src/platform/sending/resilience.js';
import { ResilientProvider } from '../../../src/platform/sending/resilient.provider.js';
import { WebPushProvider } from '../../../src/push/providers/webpush/webpush.provider.js';
import { type FakeApns, startFakeApns } from '../../support/fakes/fake-apns.js';
import { testConfig } from '../../support/config.js';
import { fcmError, type FakeFcm, startFakeFcm } from '../../support/fakes/fake-fcm.js';
import type { FakePushProvider, ProviderResponse } from '../../support/fakes/fake-push-provider.js';
import { type FakeWebPush, startFakeWebPush } from '../../support/fakes/fake-web-push.js';

/** One push provider as the contract tests need it. */
export interface ProviderUnderTest {
  readonly name: 'apns' | 'fcm' | 'webpush';
  /** The running fake of this provider. */
  fake(): FakePushProvider<unknown>;
  make(config: Config): PushProvider | undefined;
  /** A new address at this provider. */
  address(): PushAddress;
  /** The response with which it reports each of these outcomes. */
  readonly responses: Record<
    'unregistered' | 'misconfigured' | 'rejected' | 'unavailable' | 'rate_limited',
    ProviderResponse
  >;
  /** Whether it says in a Retry-After when to send again. */
  readonly sendsRetryAfter: boolean;
}

export let apns: FakeApns;
export let fcm: FakeFcm;
export let webPush: FakeWebPush;

const reason = (status: number, text: string): ProviderResponse => ({ status, body: { reason: text } });
const retryAfter = { 'retry-after': '7' };
export const APNS: ProviderUnderTest = {
  name: 'apns',
  fake: () => apns,
  make: (config) => ApnsProvider.create(config),
  address: () => ({ kind: 'apns', address: randomBytes(32).toString('hex') }),
  responses: {
    unregistered: { status: 410, body: { reason: 'Unregistered', timestamp: Date.UTC(2026, 0, 2) } },
    misconfigured: reason(403, 'InvalidProviderToken'),
    rejected: reason(400, 'BadCollapseId'),
    unavailable: reason(503, 'ServiceUnavailable'),
    rate_limited: reason(429, 'TooManyRequests'),
  },
  sendsRetryAfter: false,
};
export const FCM: ProviderUnderTest = {
  name: 'fcm',
  fake: () => fcm,
  make: (config) => FcmProvider.create(config),
  address: () => ({ kind: 'fcm_token', address: randomUUID() }),
  responses: {
    unregistered: fcmError(404, 'UNREGISTERED'),
    misconfigured: fcmError(401, 'THIRD_PARTY_AUTH_ERROR'),
    rejected: fcmError(400, 'INVALID_ARGUMENT'),
    unavailable: fcmError(503, 'UNAVAILABLE', retryAfter),
    rate_limited: fcmError(429, 'QUOTA_EXCEEDED', retryAfter),
  },
  sendsRetryAfter: true,
};
export const WEBPUSH: ProviderUnderTest = {
  name: 'webpush',
  fake: () => webPush,
  make: (config) => WebPushProvider.create(config),
  address: () => webPush.subscribe(),
  responses: {
    unregistered: { status: 410 },
    misconfigured: { status: 403 },
    rejected: { status: 413 },
    unavailable: { status: 503, headers: retryAfter },
    rate_limited: { status: 429, headers: retryAfter },
  },
  sendsRetryAfter: true,
};

/** Everything that was logged, and the secrets that must not be in it. */
export const loggedLines: string[] = [];
const secrets = new Set<string>();
const open: ResilientProvider<PushMessage>[] = [];
export let metrics: MetricsService;
let watch: ProviderMonitorService;

/** Starts the fake providers for the tests of the file that calls it. */
export function useFakeProviders(): void {
  beforeAll(async () => {
    [apns, fcm, webPush] = await Promise.all([startFakeApns(), startFakeFcm(), startFakeWebPush()]);
  });
  afterAll(async () => {
    await Promise.all([apns.close(), fcm.close(), webPush.close()]);
  });
  beforeEach(() => {
    metrics = new MetricsService();
    watch = new ProviderMonitorService(metrics, pushProviders, new NodeFactsService());
    const keep = (...parts: unknown[]) => void loggedLines.push(parts.map(String).join(' '));
    Logger.overrideLogger({ log: keep, error: keep, warn: keep, debug: keep, verbose: keep });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((sender) => sender.close()));
    Logger.overrideLogger(false);
    for (const { responses } of [apns, fcm, webPush]) responses.clear();
  });
}

/** The last test of a file: `test('no address, key or token was ever logged', expectNoSecretLogged)`. */
export function expectNoSecretLogged(): void {
  for (const { environment } of [apns, fcm, webPush])
    for (const [name, value] of Object.entries(environment))
      if (/KEY$|CREDENTIALS/.test(name)) secrets.add(value);
  for (const { jwt } of apns.accepted) secrets.add(jwt);
  const text = loggedLines.join('\n');
  expect([...secrets].filter((secret) => text.includes(secret))).toEqual([]);
}

/** Long enough for a busy machine. */
const TIMEOUT_MS = 5_000;

/** Returns the provider behind its timeout, bulkhead and circuit breaker. It is closed after the test. */
export function createSender(
  provider: ProviderUnderTest,
  limits: Partial<ResilienceLimits> = {},
  environment: Record<string, string> = {},
): ResilientProvider<PushMessage> {
  const inner = provider.make(testConfig({ ...provider.fake().environment, ...environment }));
  if (!inner) throw new Error(`${provider.name} is not configured`);
  const all = { ...RESILIENCE_LIMITS, timeoutMs: TIMEOUT_MS, ...limits };
  const sender = new ResilientProvider(provider.name, inner, watch, all);
  open.push(sender);
  return sender;
}

/** Returns a notification for that address, which must not be logged. */
export function pushMessage(to: PushAddress, more: Partial<PushMessage> = {}): PushMessage {
  secrets.add(to.address);
  const show = { title: 'Your plan', body: 'Basic from today' };
  return { to, show, data: { id: 'evt_1' }, urgency: 'high', ...more };
}

export function last<T>(all: readonly T[]): T {
  const last = all.at(-1);
  if (last === undefined) throw new Error('nothing was received');
  return last;
}

/** Returns the settings that lead the sender to another origin. */
export function settingsForOrigin({ name }: ProviderUnderTest, origin: string): Record<string, string> {
  if (name === 'webpush') return { WEBPUSH_HOSTS: new URL(origin).host };
  return name === 'apns' ? { APNS_ORIGIN: origin } : { FCM_ORIGIN: origin, ...credentialsAt(origin) };
}

function credentialsAt(origin: string): Record<string, string> {
  const account = JSON.parse(fcm.environment.FCM_CREDENTIALS ?? '{}') as Record<string, unknown>;
  return { FCM_CREDENTIALS: JSON.stringify({ ...account, token_uri: `${origin}/token` }) };
}

/** Returns the address with another host. */
export const withHost = (to: PushAddress, host: string): PushAddress => {
  const url = new URL(to.address);
  url.host = host;
  return { ...to, address: url.href };
};
