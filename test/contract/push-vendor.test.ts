import { randomBytes, randomUUID } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { request } from 'undici';
import { type Config, readConfig } from '../../src/platform/config/config.js';
import { Metrics } from '../../src/platform/metrics.js';
import { ApnsSender } from '../../src/push/apns/apns.sender.js';
import { FcmSender } from '../../src/push/fcm/fcm.sender.js';
import { GuardWatch } from '../../src/push/guard-watch.service.js';
import { LIMITS, type Limits } from '../../src/push/guard.js';
import { GuardedVendor, type VendorSender } from '../../src/push/guard.sender.js';
import type { PushAddress, PushMessage, Verdict } from '../../src/push/vendor.js';
import { Dial } from '../../src/push/webpush/dial.sender.js';
import { WebPushSender } from '../../src/push/webpush/webpush.sender.js';
import { eventually } from '../support/eventually.js';
import { type PretendApns, pretendApns } from '../support/pretend-apns.js';
import { fcmError, type PretendFcm, pretendFcm } from '../support/pretend-fcm.js';
import type { Reply, Script } from '../support/pretend-vendor.js';
import { type PretendWebPush, pretendWebPush } from '../support/pretend-webpush.js';

/** What the suite needs of every pretend vendor. */
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

/** One vendor as the suite sees it. */
interface Subject {
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
let apns: PretendApns;
let fcm: PretendFcm;
let webPush: PretendWebPush;
beforeAll(async () => {
  [apns, fcm, webPush] = await Promise.all([pretendApns(), pretendFcm(), pretendWebPush()]);
});
afterAll(async () => {
  await Promise.all([apns.close(), fcm.close(), webPush.close()]);
});

const reason = (status: number, text: string): Reply => ({ status, body: { reason: text } });
const waitHere = { 'retry-after': '7' };
const SUBJECTS: Subject[] = [
  {
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
  },
  {
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
  },
  {
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
  },
];

/** All that was logged, and everything that is secret and must not be in it. */
const logged: string[] = [];
const secrets = new Set<string>();
const open: GuardedVendor[] = [];
let metrics: Metrics;
let watch: GuardWatch;

beforeEach(() => {
  metrics = new Metrics();
  watch = new GuardWatch(metrics);
  const keep = (...said: unknown[]) => void logged.push(said.map(String).join(' '));
  Logger.overrideLogger({ log: keep, error: keep, warn: keep, debug: keep, verbose: keep });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((vendor) => vendor.close()));
  Logger.overrideLogger(false);
});

const configOf = (environment: Record<string, string>) => readConfig({ ...NEEDED, ...environment });
/** Long enough for a machine that is busy; and what a test waits for on purpose. */
const DEADLINE_MS = 5_000;
const SOON_MS = 700;

function guarded(
  subject: Subject,
  limits: Partial<Limits> = {},
  environment: Record<string, string> = {},
): GuardedVendor {
  const sender = subject.make(configOf({ ...subject.pretend().environment, ...environment }));
  const vendor = new GuardedVendor(sender, watch, {
    ...LIMITS,
    deadlineMs: DEADLINE_MS,
    ...limits,
  });
  open.push(vendor);
  return vendor;
}

function message(to: PushAddress, more: Partial<PushMessage> = {}): PushMessage {
  secrets.add(to.address);
  const show = { title: 'Your plan', body: 'Basic from today' };
  return { to, show, data: { id: 'evt_1' }, urgency: 'high', ...more };
}

describe.each(SUBJECTS)('$name', (subject) => {
  const { replies } = subject;
  const script = () => subject.pretend().script;
  const sendTo = (vendor: GuardedVendor, more: Partial<PushMessage> = {}) =>
    vendor.send(message(subject.address(), more));
  const times = (count: number, act: () => Promise<Verdict>) =>
    Promise.all(Array.from({ length: count }, act));
  afterEach(() => {
    script().clear();
  });

  test('delivers what the vendor accepts, and keeps its connection for the next', async () => {
    const vendor = guarded(subject);
    const [got, connections] = [subject.pretend().got.length, subject.pretend().connections];
    for (let sent = 0; sent < 5; sent += 1) expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
    expect(subject.pretend().got.length - got).toBe(5);
    expect(subject.pretend().connections - connections).toBeLessThanOrEqual(2);
  });

  test.each(['gone', 'our_fault', 'sender_fault'] as const)(
    'says %s once, without asking twice',
    async (is) => {
      const vendor = guarded(subject);
      const asked = subject.pretend().asked;
      script().otherwise = replies[is];
      expect(await sendTo(vendor)).toMatchObject({ is });
      expect(subject.pretend().asked - asked).toBe(1);
    },
  );

  test.each(['away', 'paced'] as const)('that is %s gets the message again, when it says', async (mood) => {
    const vendor = guarded(subject);
    const asked = subject.pretend().asked;
    script().otherwise = replies[mood];
    const afterMs = subject.saysWhen ? 7_000 : undefined;
    expect(await sendTo(vendor)).toMatchObject({ is: 'again', afterMs });
    expect(subject.pretend().asked - asked).toBe(1);
  });

  test('that keeps silent is answered for at the deadline, and works on', async () => {
    const vendor = guarded(subject, { deadlineMs: SOON_MS });
    await eventually('it is warm', async () => (await sendTo(vendor)).is === 'delivered');
    script().next('silent');
    const start = performance.now();
    expect(await sendTo(vendor)).toEqual({ is: 'again', afterMs: undefined, reason: 'deadline' });
    expect(performance.now() - start).toBeLessThan(SOON_MS + 400);
    expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
  });

  test('that cuts its connections gets the message again, over a new one', async () => {
    const vendor = guarded(subject, { pauseMs: 50 });
    await sendTo(vendor);
    script().next('cut');
    expect(await sendTo(vendor)).toMatchObject({ is: 'again' });
    expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
    subject.pretend().cut();
    const all = await times(20, () => sendTo(vendor));
    expect(all.every(({ is }) => is === 'delivered' || is === 'again')).toBe(true);
    await eventually('it is back', async () => (await sendTo(vendor)).is === 'delivered');
  });

  test('that is not there is answered for at once, and so is one whose certificate nobody knows', async () => {
    const nowhere = guarded(subject, {}, { ...at(subject, 'https://localhost:1') });
    const to = subject.name === 'webpush' ? movedTo(subject.address(), 'localhost:1') : subject.address();
    expect(await nowhere.send(message(to))).toEqual({
      is: 'again',
      afterMs: undefined,
      reason: 'ECONNREFUSED',
    });
    const distrusting = guarded(subject, {}, { PUSH_CA_FILE: '' });
    expect(await distrusting.send(message(subject.address()))).toMatchObject({
      is: 'again',
      reason: expect.stringMatching(/CERT|SIGNED/),
    });
  });

  test('that fails is left alone at once, and is probed until it is well', async () => {
    const vendor = guarded(subject, { pauseMs: 150, inFlight: 5 });
    script().otherwise = replies.away;
    await times(20, () => sendTo(vendor));
    const asked = subject.pretend().asked;
    const start = performance.now();
    const refused = await sendTo(vendor);
    expect(refused).toMatchObject({ is: 'again', reason: 'circuit_open' });
    expect(refused.is === 'again' && refused.afterMs).toBeGreaterThan(0);
    expect(performance.now() - start).toBeLessThan(50);
    expect(subject.pretend().asked).toBe(asked);
    expect(await metrics.registry.metrics()).toContain(
      `usher_push_circuits_open{vendor="${subject.name}"} 1`,
    );
    script().otherwise = 'ok';
    await eventually('it is well again', async () => (await sendTo(vendor)).is === 'delivered');
    expect(await metrics.registry.metrics()).toContain(
      `usher_push_circuits_open{vendor="${subject.name}"} 0`,
    );
  });

  test('that paces us, or finds every address dead, is not left alone', async () => {
    const vendor = guarded(subject);
    for (const reply of [replies.paced, replies.gone, replies.our_fault]) {
      script().otherwise = reply;
      await times(20, () => sendTo(vendor));
    }
    script().otherwise = 'ok';
    expect(await sendTo(vendor)).toEqual({ is: 'delivered' });
  });

  test('takes no more at once than it may, and says so to the rest', async () => {
    const vendor = guarded(subject, { inFlight: 2, waiting: 2, deadlineMs: SOON_MS });
    script().otherwise = 'silent';
    const all = await times(8, () => sendTo(vendor));
    expect(all.filter((verdict) => 'reason' in verdict && verdict.reason === 'busy')).toHaveLength(4);
    expect(all.every(({ is }) => is === 'again')).toBe(true);
  });

  test('without its settings says so, and does nothing', async () => {
    const bare = new GuardedVendor(subject.make(configOf({})), watch);
    open.push(bare);
    expect(bare.configured).toBe(false);
    expect(await bare.send(message(subject.address()))).toEqual({
      is: 'our_fault',
      reason: 'not_configured',
    });
  });

  test('a message that is too large, or for another vendor, is never sent', async () => {
    const vendor = guarded(subject);
    const asked = subject.pretend().asked;
    expect(await sendTo(vendor, { data: { text: 'ü'.repeat(2_050) } })).toMatchObject({ is: 'sender_fault' });
    const other = SUBJECTS.find(({ name }) => name !== subject.name) ?? subject;
    expect(await vendor.send(message(other.address()))).toMatchObject({ is: 'sender_fault' });
    expect(subject.pretend().asked).toBe(asked);
  });

  test('broken credentials raise the alarm, with the address as a hash alone', async () => {
    const vendor = guarded(subject);
    script().otherwise = replies.our_fault;
    const verdict = await sendTo(vendor);
    const { reason: said } = verdict as { reason: string };
    const line = `usher_push_our_fault{vendor="${subject.name}",reason="${said}"} 1`;
    expect(await metrics.registry.metrics()).toContain(line);
    expect(logged.at(-1)).toMatch(new RegExp(`${said} \\(address [0-9a-f]{8}\\)`));
  });

  test('closes: what is under way is answered, what comes later is again, and no connection is left', async () => {
    const vendor = guarded(subject);
    await sendTo(vendor);
    script().next({ ...(subject.name === 'apns' ? { status: 200 } : slowOk(subject)), afterMs: 100 });
    const last = sendTo(vendor);
    await eventually('it is under way', () => script().isSpent);
    const closed = vendor.close();
    expect(await sendTo(vendor)).toEqual({ is: 'again', afterMs: undefined, reason: 'closing' });
    expect(await last).toEqual({ is: 'delivered' });
    await closed;
    await vendor.close();
    await eventually('its connections are gone', () => subject.pretend().openConnections === 0);
  });
});

const slowOk = ({ name }: Subject) =>
  name === 'fcm' ? { status: 200, body: { name: 'm' } } : { status: 201 };

/** The settings that aim the vendor at an address. */
function at({ name }: Subject, origin: string): Record<string, string> {
  if (name === 'webpush') return { WEBPUSH_HOSTS: new URL(origin).host };
  return name === 'apns' ? { APNS_ORIGIN: origin } : { FCM_ORIGIN: origin, ...credentialsAt(origin) };
}

function credentialsAt(origin: string): Record<string, string> {
  const account = JSON.parse(fcm.environment.FCM_CREDENTIALS ?? '{}') as Record<string, unknown>;
  return { FCM_CREDENTIALS: JSON.stringify({ ...account, token_uri: `${origin}/token` }) };
}

const movedTo = (to: PushAddress, host: string): PushAddress => {
  const url = new URL(to.address);
  url.host = host;
  return { ...to, address: url.href };
};

const [APNS, FCM, WEBPUSH] = SUBJECTS as [Subject, Subject, Subject];

describe('apns', () => {
  afterEach(() => {
    apns.script.clear();
  });

  test('speaks of an alert as Apple wants it', async () => {
    const expiresAt = new Date('2026-11-20T10:00:00.700Z');
    const more = { collapseId: 'membership', badge: 3, expiresAt };
    const sent = message(APNS.address(), more);
    expect(await guarded(APNS).send(sent)).toEqual({ is: 'delivered' });
    const { token, headers, payload } = lastOf(apns.got);
    expect(token).toBe(sent.to.address);
    expect(headers).toMatchObject({
      'apns-push-type': 'alert',
      'apns-topic': 'com.example.tests',
      'apns-collapse-id': 'membership',
      'apns-expiration': String(Math.floor(expiresAt.getTime() / 1_000)),
    });
    expect(headers['apns-priority'] ?? '10').toBe('10');
    expect(payload).toEqual({
      id: 'evt_1',
      aps: { alert: { title: 'Your plan', body: 'Basic from today' }, sound: 'default', badge: 3 },
    });
  });

  test('wakes an app in the background without showing anything', async () => {
    await guarded(APNS).send(
      message(APNS.address(), { show: 'background', badge: 3, collapseId: 'ü'.repeat(60) }),
    );
    const { headers, payload } = lastOf(apns.got);
    expect(headers).toMatchObject({ 'apns-push-type': 'background', 'apns-priority': '5' });
    expect(headers['apns-collapse-id']).toMatch(/^[\w-]{43}$/);
    expect(payload).toEqual({ id: 'evt_1', aps: { 'content-available': 1 } });
  });

  test('signs one provider token for many pushes', async () => {
    const vendor = guarded(APNS);
    await Promise.all(Array.from({ length: 10 }, () => vendor.send(message(APNS.address()))));
    expect(new Set(apns.got.slice(-10).map(({ jwt }) => jwt)).size).toBe(1);
  });

  test('tells since when a token is dead', async () => {
    apns.script.otherwise = APNS.replies.gone;
    expect(await guarded(APNS).send(message(APNS.address()))).toEqual({
      is: 'gone',
      since: new Date('2026-01-02T00:00:00Z'),
      reason: 'Unregistered',
    });
  });

  test('comes back after a GOAWAY, and answers for all that was under way', async () => {
    const vendor = guarded(APNS, { deadlineMs: 3_000 });
    apns.script.otherwise = { status: 200, afterMs: 50 };
    const send = () => vendor.send(message(APNS.address()));
    const underWay = Array.from({ length: 50 }, send);
    await eventually('they are under way', () => apns.script.isSpent);
    apns.goAway();
    const verdicts = await Promise.all(underWay);
    expect(verdicts.filter(({ is }) => is !== 'delivered' && is !== 'again')).toEqual([]);
    apns.script.otherwise = 'ok';
    const connections = apns.connections;
    await eventually('it is back', async () => (await send()).is === 'delivered');
    expect(apns.connections).toBeGreaterThanOrEqual(connections);
  });

  test('leaves a connection that leads nowhere, which TCP would believe in for a quarter of an hour', async () => {
    const wire = await forgetfulWire(new URL(apns.environment.APNS_ORIGIN ?? ''));
    const vendor = guarded(APNS, {}, { APNS_ORIGIN: `https://localhost:${wire.port}` });
    const send = () => vendor.send(message(APNS.address()));
    expect(await send()).toEqual({ is: 'delivered' });
    wire.forget();
    expect(await send()).toMatchObject({ is: 'again', reason: 'deadline' });
    await eventually('it took another', async () => (await send()).is === 'delivered');
    await vendor.close();
    await wire.close();
  });
});

describe('fcm', () => {
  afterEach(() => {
    fcm.script.clear();
    fcm.granting = 'ok';
  });

  test.each(['fcm_token', 'fcm_fid'] as const)(
    'sends to a %s what Android replaces and forgets',
    async (kind) => {
      const address = randomUUID();
      const expiresAt = new Date(Date.now() + 60_000);
      const more = { collapseId: 'membership', badge: 2, expiresAt };
      expect(await guarded(FCM).send(message({ kind, address }, more))).toEqual({ is: 'delivered' });
      const { message: got, ...of } = lastOf(fcm.got);
      expect(of).toEqual({ kind, address });
      expect(got).toMatchObject({
        data: { id: 'evt_1' },
        notification: { title: 'Your plan', body: 'Basic from today' },
        android: {
          priority: 'high',
          collapse_key: 'membership',
          ttl: expect.stringMatching(/^(59|60)(\.\d+)?s$/),
          notification: { tag: 'membership', notification_count: 2 },
        },
      });
    },
  );

  test('wakes an app in the background with data alone', async () => {
    await guarded(FCM).send(message(FCM.address(), { show: 'background', urgency: 'normal' }));
    const { message: got } = lastOf(fcm.got);
    expect(got).not.toHaveProperty('notification');
    expect(got).toMatchObject({
      android: { priority: 'normal' },
      apns: { headers: { 'apns-priority': '5' } },
    });
  });

  test('an address that FCM itself calls wrong is dead; an invalid message alone kills none', async () => {
    const violation = {
      fieldViolations: [{ field: 'message.token', description: 'Invalid registration token' }],
    };
    fcm.script.next({
      status: 400,
      body: { error: { code: 400, status: 'INVALID_ARGUMENT', details: [violation] } },
    });
    const vendor = guarded(FCM);
    expect(await vendor.send(message(FCM.address()))).toMatchObject({ is: 'gone' });
    fcm.script.next(fcmError(400, 'INVALID_ARGUMENT'));
    expect(await vendor.send(message(FCM.address()))).toMatchObject({ is: 'sender_fault' });
  });

  test('asks once for an access token, and anew when it is worth nothing any more', async () => {
    const vendor = guarded(FCM);
    const grants = fcm.grants;
    const send = () => vendor.send(message(FCM.address()));
    const all = await Promise.all(Array.from({ length: 10 }, send));
    expect(all.every(({ is }) => is === 'delivered')).toBe(true);
    expect(fcm.grants - grants).toBe(1);
    fcm.revoke();
    expect(await send()).toEqual({ is: 'delivered' });
    expect(fcm.grants - grants).toBe(2);
  });

  test('tells a service account that Google refuses from a token endpoint that is away', async () => {
    fcm.granting = { status: 400, body: { error: 'invalid_grant', error_description: 'no secret here' } };
    expect(await guarded(FCM).send(message(FCM.address()))).toEqual({
      is: 'our_fault',
      reason: 'invalid_grant',
    });
    fcm.granting = { status: 503 };
    expect(await guarded(FCM).send(message(FCM.address()))).toMatchObject({
      is: 'again',
      reason: 'token_endpoint_503',
    });
  });
});

describe('webpush', () => {
  afterEach(() => {
    webPush.script.clear();
  });

  test('arrives so that only the browser can read it', async () => {
    const expiresAt = new Date(Date.now() + 60_000);
    const sent = message(webPush.subscribe(), { collapseId: 'membership', badge: 1, expiresAt });
    expect(await guarded(WEBPUSH).send(sent)).toEqual({ is: 'delivered' });
    const { address, headers, payload } = lastOf(webPush.got);
    expect(address).toBe(sent.to.address);
    expect(headers).toMatchObject({
      urgency: 'high',
      ttl: expect.stringMatching(/^(59|60)$/),
      topic: expect.stringMatching(/^[\w-]{32}$/),
    });
    expect(JSON.parse(payload)).toEqual({
      ...{ title: 'Your plan', body: 'Basic from today', badge: 1, tag: 'membership', data: { id: 'evt_1' } },
    });
  });

  test.each([
    'http://localhost/push/1',
    'https://localhost:1/push/1',
    'https://evil.example/push/1',
    'https://user:secret@localhost/push/1',
    'https://[::1]/push/1',
    'https://169.254.169.254/latest/meta-data',
    'no url',
  ])('is not aimed at %s', async (address) => {
    const { keys } = webPush.subscribe();
    const to: PushAddress = { kind: 'webpush', address, keys };
    expect(await guarded(WEBPUSH).send(message(to))).toEqual({
      is: 'sender_fault',
      reason: 'endpoint_not_allowed',
    });
  });

  test('a name that leads to an inner host is not dialled, unless the operator named that very host', async () => {
    const dial = new Dial(configOf(webPush.environment).PUSH_CA_FILE);
    const connections = webPush.connections;
    const asked = request(webPush.subscribe().address, { method: 'POST', dispatcher: dial.outside });
    await expect(asked).rejects.toMatchObject({ code: 'INNER_ADDRESS' });
    expect(webPush.connections).toBe(connections);
    await dial.close();
  });

  test('a redirect is not followed, and an answer without end is not read to its end', async () => {
    const vendor = guarded(WEBPUSH);
    const elsewhere = webPush.subscribe().address;
    const asked = webPush.asked;
    webPush.script.next({ status: 307, headers: { location: elsewhere } });
    expect(await vendor.send(message(webPush.subscribe()))).toEqual({
      is: 'sender_fault',
      reason: 'status_307',
    });
    expect(webPush.asked - asked).toBe(1);
    webPush.script.next({ status: 201, body: 'x'.repeat(5_000_000) });
    expect(await vendor.send(message(webPush.subscribe()))).toEqual({ is: 'delivered' });
  });

  test('a subscription whose keys are none is dead', async () => {
    const to = { ...webPush.subscribe(), keys: { p256dh: 'AAAA', auth: 'AAAA' } };
    expect(await guarded(WEBPUSH).send(message(to))).toEqual({
      is: 'gone',
      since: undefined,
      reason: 'bad_keys',
    });
  });
});

test('no address, key or token was ever logged', () => {
  for (const { environment } of [apns, fcm, webPush])
    for (const [name, value] of Object.entries(environment))
      if (/KEY$|CREDENTIALS/.test(name)) secrets.add(value);
  for (const { jwt } of apns.got) secrets.add(jwt);
  const text = logged.join('\n');
  expect(logged.length).toBeGreaterThan(0);
  expect([...secrets].filter((secret) => text.includes(secret))).toEqual([]);
});

function lastOf<T>(all: readonly T[]): T {
  const last = all.at(-1);
  if (last === undefined) throw new Error('nothing came');
  return last;
}

/** A firewall that forgets the connections it knows: they carry nothing any more, and nobody is told. New ones pass. */
async function forgetfulWire({ hostname, port }: URL) {
  const forgotten = new WeakSet<Socket>();
  const sockets = new Set<Socket>();
  const carry = (from: Socket, to: Socket, of: Socket) => {
    sockets.add(from);
    from.on('data', (data) => forgotten.has(of) || to.write(data));
    from.on('error', () => from.destroy());
    from.on('close', () => forgotten.has(of) || to.destroy());
  };
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    carry(near, far, near);
    carry(far, near, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    forget: () => sockets.forEach((socket) => forgotten.add(socket)),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
