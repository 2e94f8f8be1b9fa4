import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call, type HttpReply, PREMIUM } from '../../support/drivers/back-office.js';
import { subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { readAudit } from '../../support/audit.js';
import { putPlans, startStream, subscribe } from '../../support/drivers/subscribers.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectNoSecrets, expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
  await putPlans(usher);
});
afterAll(() => usher.stop());

const entries = (query: string) => readAudit(usher, query);

const reason = 'case 4711';
/** A key of its own for each scope, so that the audit must tell them apart. */
const keys = new Map<string, { id: string; key: string }>();
async function keyWith(scope: string): Promise<{ id: string; key: string }> {
  const known = keys.get(scope);
  if (known) return known;
  const body = { name: `desk of ${scope}`, scopes: [scope] };
  const created = (await usher.backOffice.call('POST', '/v1/keys', body)).body as { id: string; key: string };
  keys.set(scope, created);
  return created;
}
async function newKey(name: string): Promise<string> {
  return String((await usher.backOffice.call('POST', '/v1/keys', { name, scopes: ['edge'] })).body.id);
}

interface Change {
  readonly scope: 'support' | 'operate' | 'admin';
  /** Makes ready what is to be changed. Returns the path. */
  prepare(name: string): Promise<string> | string;
  body?(name: string): unknown;
  /** Of a body that is not JSON. */
  readonly contentType?: string;
  /** What the newest entry tells. */
  told(reply: HttpReply, path: string): Record<string, unknown>;
}
const idOf = (path: string): string => path.split('/')[3] ?? '';

const DIGEST_DEFAULTS = {
  types: [],
  categories: [],
  maxItems: 20,
  order: 'newest',
  group: 'none',
  optIn: true,
  channels: ['push'],
};

/** Returns the path of the pauses of FCM, after it was paused or resumed. */
async function pauses(method: 'PUT' | 'DELETE'): Promise<string> {
  const path = '/v1/push/pauses/fcm';
  const body = method === 'PUT' ? {} : undefined;
  const { status } = await usher.backOffice.call(method, path, body, { 'usher-reason': 'to prepare' });
  expect(status).toBeLessThan(300);
  return path;
}

const TEMPLATE = {
  data: { type: 'object' },
  locales: { en: { sms: { text: 'Hello' } } },
};
const FALLBACK = { channels: ['sms'], afterSeconds: 600 };

/** Puts something by the API, to be changed. Returns its path. */
async function putAt(path: string, body: unknown): Promise<string> {
  expect((await usher.backOffice.call('PUT', path, body)).status).toBe(200);
  return path;
}

const CAMPAIGN = {
  template: { name: 'campaigned' },
  audiences: ['everyone'],
  channels: ['app'],
  startAt: '2090-01-01T00:00:00Z',
};
const EVERYONE = { rule: { everyone: true } };

/** Writes a campaign, and takes it to a state past the calls that lead there. Returns the path of what is done with it then. */
async function campaignIn(state: string, name: string, act: string): Promise<string> {
  await putAt('/v1/templates/campaigned', {
    data: { type: 'object' },
    locales: { en: { push: { title: 'Hello', body: 'you' } } },
  });
  await putAt('/v1/audiences/everyone', EVERYONE);
  await putAt(`/v1/campaigns/${name}`, CAMPAIGN);
  // A member whose turn is far away, so that it does not end.
  await usher.database.query(
    `INSERT INTO campaign_member (campaign, user_id, state, audience, due_at, bucket) VALUES ($1, 'later', 'pending', 'everyone', '2090-01-01', 0)`,
    [name],
  );
  await usher.database.query('UPDATE campaign SET state = $2 WHERE name = $1', [name, state]);
  return `/v1/campaigns/${name}/${act}`;
}
/** What is done with a campaign. */
const campaignAct = (act: string, before: string, after: string): Change => ({
  scope: 'operate',
  prepare: (name) => campaignIn(before, name, act),
  told: (_, path) => ({
    action: `campaign.${act}`,
    target: { kind: 'campaign', id: idOf(path) },
    userId: null,
    before: { state: before },
    after: { state: after },
  }),
});

/** Every call by which people change something. */
const CHANGES: Record<string, Change> = {
  'PUT /v1/digests/{name}': {
    scope: 'operate',
    prepare: (name) => `/v1/digests/${name.toLowerCase()}`,
    body: () => ({ categories: ['promo'], cadence: 'daily', at: '17:00' }),
    told: (_, path) => ({
      action: 'digest.put',
      target: { kind: 'digest', id: idOf(path) },
      userId: null,
      before: null,
      after: { ...DIGEST_DEFAULTS, categories: ['promo'], cadence: 'daily', at: '17:00' },
    }),
  },
  'DELETE /v1/digests/{name}': {
    scope: 'operate',
    prepare: async (name) => {
      const body = { types: ['promo.started'], cadence: 'daily', at: '17:00' };
      const path = `/v1/digests/${name.toLowerCase()}`;
      expect((await usher.backOffice.call('PUT', path, body)).status).toBe(200);
      return path;
    },
    told: (_, path) => ({
      action: 'digest.remove',
      target: { kind: 'digest', id: idOf(path) },
      before: { ...DIGEST_DEFAULTS, types: ['promo.started'], cadence: 'daily', at: '17:00' },
      after: null,
    }),
  },
  'PUT /v1/audiences/{name}': {
    scope: 'operate',
    prepare: (name) => `/v1/audiences/${name}`,
    body: () => EVERYONE,
    told: (_, path) => ({
      action: 'audience.put',
      target: { kind: 'audience', id: idOf(path) },
      before: null,
      after: EVERYONE,
    }),
  },
  'DELETE /v1/audiences/{name}': {
    scope: 'operate',
    prepare: (name) => putAt(`/v1/audiences/${name}`, EVERYONE),
    told: (_, path) => ({
      action: 'audience.remove',
      target: { kind: 'audience', id: idOf(path) },
      before: { ...EVERYONE, members: 0 },
      after: null,
    }),
  },
  'PUT /v1/audiences/{name}/members': {
    scope: 'operate',
    prepare: async (name) => `${await putAt(`/v1/audiences/${name}`, {})}/members`,
    body: () => '{"userId":"ada"}\n',
    contentType: 'application/x-ndjson',
    told: (_, path) => ({
      action: 'audience.upload',
      target: { kind: 'audience', id: idOf(path) },
      before: null,
      after: { accepted: 1, unchanged: 0, rejectedCount: 0 },
    }),
  },
  'DELETE /v1/broadcasts/{id}': {
    scope: 'operate',
    prepare: async () => {
      const { body } = await usher.backOffice.call('POST', '/v1/broadcasts', { type: 'notice', data: 1 });
      return `/v1/broadcasts/${String(body.id)}`;
    },
    told: (_, path) => ({
      action: 'broadcast.withdraw',
      target: { kind: 'broadcast', id: idOf(path) },
      before: { state: 'in_force' },
      after: { state: 'withdrawn' },
    }),
  },
  'PUT /v1/campaigns/{name}': {
    scope: 'operate',
    prepare: async (name) => {
      await campaignIn('draft', `${name}x`, 'approve');
      return `/v1/campaigns/${name}`;
    },
    body: () => CAMPAIGN,
    told: (_, path) => ({
      action: 'campaign.put',
      target: { kind: 'campaign', id: idOf(path) },
      before: null,
      after: { ...CAMPAIGN, template: { name: 'campaigned', version: 1, data: {} }, exclusions: [] },
    }),
  },
  'POST /v1/campaigns/{name}/approve': campaignAct('approve', 'draft', 'approved'),
  'POST /v1/campaigns/{name}/schedule': campaignAct('schedule', 'approved', 'scheduled'),
  'POST /v1/campaigns/{name}/pause': campaignAct('pause', 'running', 'paused'),
  'POST /v1/campaigns/{name}/resume': campaignAct('resume', 'paused', 'running'),
  'POST /v1/campaigns/{name}/abort': campaignAct('abort', 'running', 'aborted'),
  'POST /v1/campaigns/{name}/test': {
    scope: 'operate',
    prepare: async (name) => {
      await usher.callAs(`reader-${name}`, 'PUT', '/v1/me/devices/phone', { platform: 'android' });
      return campaignIn('draft', name, 'test');
    },
    body: (name) => ({ userId: `reader-${name}` }),
    told: ({ body }, path) => ({
      action: 'campaign.test',
      target: { kind: 'campaign', id: idOf(path) },
      userId: body.userId,
      after: { channel: 'app', eventId: body.eventId },
    }),
  },
  'PUT /v1/templates/{name}': {
    scope: 'operate',
    prepare: (name) => `/v1/templates/${name.toLowerCase()}`,
    body: () => TEMPLATE,
    told: (_, path) => ({
      action: 'template.publish',
      target: { kind: 'template', id: idOf(path) },
      before: null,
      after: { version: 1 },
    }),
  },
  'PUT /v1/templates/{name}/active': {
    scope: 'operate',
    prepare: async (name) => {
      const path = await putAt(`/v1/templates/${name.toLowerCase()}`, TEMPLATE);
      await putAt(path, { ...TEMPLATE, locales: { en: { sms: { text: 'Bye' } } } });
      return `${path}/active`;
    },
    body: () => ({ version: 1 }),
    told: (_, path) => ({
      action: 'template.activate',
      target: { kind: 'template', id: idOf(path) },
      before: { version: 2 },
      after: { version: 1 },
    }),
  },
  'DELETE /v1/templates/{name}': {
    scope: 'operate',
    prepare: (name) => putAt(`/v1/templates/${name.toLowerCase()}`, TEMPLATE),
    told: (_, path) => ({
      action: 'template.deactivate',
      target: { kind: 'template', id: idOf(path) },
      before: { version: 1 },
      after: null,
    }),
  },
  'PUT /v1/fallbacks/{type}': {
    scope: 'operate',
    prepare: (name) => `/v1/fallbacks/${name.toLowerCase()}`,
    body: () => FALLBACK,
    told: (_, path) => ({
      action: 'fallback.put',
      target: { kind: 'event type', id: idOf(path) },
      before: null,
      after: FALLBACK,
    }),
  },
  'DELETE /v1/fallbacks/{type}': {
    scope: 'operate',
    prepare: (name) => putAt(`/v1/fallbacks/${name.toLowerCase()}`, FALLBACK),
    told: (_, path) => ({
      action: 'fallback.remove',
      target: { kind: 'event type', id: idOf(path) },
      before: FALLBACK,
      after: null,
    }),
  },
  'PUT /v1/push/pauses/{vendor}': {
    scope: 'operate',
    prepare: () => pauses('DELETE'),
    body: () => ({ critical: true }),
    told: () => ({
      action: 'push.pause',
      target: { kind: 'provider', id: 'fcm' },
      before: null,
      after: { critical: true },
    }),
  },
  'DELETE /v1/push/pauses/{vendor}': {
    scope: 'operate',
    prepare: () => pauses('PUT'),
    told: () => ({
      action: 'push.resume',
      target: { kind: 'provider', id: 'fcm' },
      before: { critical: false, since: expect.any(String) },
      after: null,
    }),
  },
  'POST /v1/users/{userId}/events/{eventId}/resend': {
    scope: 'support',
    prepare: async (name) => {
      await usher.callAs(name, 'PUT', '/v1/me/devices/tv', { platform: 'tv' });
      const { body } = await usher.backOffice.publish([
        { userId: name, type: 'note.one', tier: 'important', data: {} },
      ]);
      return `/v1/users/${name}/events/${(body.accepted as { id: string }[])[0]?.id}/resend`;
    },
    body: () => ({}),
    told: ({ body }, path) => ({
      action: 'event.resend',
      target: { kind: 'event', id: body.id },
      userId: idOf(path),
      after: { devices: [{ deviceId: 'tv', by: 'later' }] },
    }),
  },
  'PUT /v1/plans/{planId}': {
    scope: 'operate',
    prepare: (name) => `/v1/plans/${name}`,
    body: (name) => ({ name: 'Family', prices: [`price_${name}`], capabilities: PREMIUM }),
    told: (_, path) => ({
      action: 'plan.put',
      target: { kind: 'plan', id: idOf(path) },
      userId: null,
      before: null,
      after: { name: 'Family', prices: [`price_${idOf(path)}`], capabilities: PREMIUM },
    }),
  },
  'PUT /v1/users/{userId}/links/{processor}': {
    scope: 'operate',
    prepare: (name) => `/v1/users/${name}/links/stripe`,
    body: (name) => ({ customerId: `cus_${name}` }),
    told: (_, path) => ({
      action: 'link.put',
      target: { kind: 'customer', id: `stripe:cus_${idOf(path)}` },
      userId: idOf(path),
      after: { customerId: `cus_${idOf(path)}` },
    }),
  },
  'DELETE /v1/users/{userId}/streams': {
    scope: 'support',
    prepare: async (name) => {
      await subscribe(usher, name);
      expect((await startStream(usher, name)).status).toBe(201);
      return `/v1/users/${name}/streams`;
    },
    told: ({ body }, path) => ({
      action: 'streams.stop',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      before: { streamIds: body.stopped },
      after: { streamIds: [] },
    }),
  },
  'POST /v1/users/{userId}/revocations': {
    scope: 'support',
    prepare: (name) => `/v1/users/${name}/revocations`,
    body: () => ({ deviceId: 'lost-phone' }),
    told: (_, path) => ({
      action: 'tokens.revoke',
      target: { kind: 'device', id: 'lost-phone' },
      userId: idOf(path),
    }),
  },
  'POST /v1/users/{userId}/devices/{deviceId}/test-event': {
    scope: 'support',
    prepare: async (name) => {
      const put = await usher.callAs(name, 'PUT', '/v1/me/devices/tv', { platform: 'tv' });
      expect(put.status).toBeLessThan(300);
      return `/v1/users/${name}/devices/tv/test-event`;
    },
    told: ({ body }, path) => ({
      action: 'device.test',
      target: { kind: 'device', id: 'tv' },
      userId: idOf(path),
      after: { eventId: body.id },
    }),
  },
  'POST /v1/users/{userId}/devices/{deviceId}/disconnect': {
    scope: 'support',
    prepare: (name) => `/v1/users/${name}/devices/tv/disconnect`,
    told: (_, path) => ({
      action: 'device.disconnect',
      target: { kind: 'device', id: 'tv' },
      userId: idOf(path),
    }),
  },
  'POST /v1/users/{userId}/subscriptions/refetch': {
    scope: 'support',
    prepare: async (name) => {
      await subscribe(usher, name);
      return `/v1/users/${name}/subscriptions/refetch`;
    },
    told: ({ body }, path) => ({
      action: 'subscriptions.refetch',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      after: { subscriptions: body.subscriptions },
    }),
  },
  'PUT /v1/users/{userId}/contact': {
    scope: 'admin',
    prepare: (name) => `/v1/users/${name}/contact`,
    body: () => ({ email: 'ada@example.com', emailVerified: true }),
    told: (_, path) => ({
      action: 'contact.put',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      before: null,
      after: {
        email: expect.stringMatching(/^[0-9a-f]{8}$/),
        emailVerified: true,
        phone: null,
        phoneVerified: false,
        timezone: null,
        locale: null,
      },
    }),
  },
  'DELETE /v1/users/{userId}/contact': {
    scope: 'admin',
    prepare: async (name) => {
      const path = `/v1/users/${name}/contact`;
      await usher.backOffice.call('PUT', path, { email: 'ada@example.com' });
      return path;
    },
    told: (_, path) => ({
      action: 'contact.remove',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      after: null,
    }),
  },
  'DELETE /v1/users/{userId}': {
    scope: 'admin',
    prepare: (name) => `/v1/users/${name}`,
    told: (_, path) => ({
      action: 'user.erase',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
    }),
  },
  'POST /v1/keys': {
    scope: 'admin',
    prepare: () => '/v1/keys',
    body: () => ({ name: 'edge of Oslo', scopes: ['edge'] }),
    told: ({ body }) => ({
      action: 'key.create',
      target: { kind: 'key', id: body.id },
      before: null,
      after: { name: 'edge of Oslo', scopes: ['edge'] },
    }),
  },
  'DELETE /v1/users/{userId}/links/{processor}': {
    scope: 'operate',
    prepare: async (name) => {
      const path = `/v1/users/${name}/links/stripe`;
      await usher.backOffice.call('PUT', path, { customerId: `cus_${name}` });
      return path;
    },
    told: (_, path) => ({
      action: 'link.remove',
      target: { kind: 'customer', id: `stripe:cus_${idOf(path)}` },
      userId: idOf(path),
      before: { customerId: `cus_${idOf(path)}` },
      after: null,
    }),
  },
  'POST /v1/webhooks/{processor}/{eventId}/retry': {
    scope: 'operate',
    prepare: async (name) => {
      const event = usher.stripe.event('customer.subscription.created', {
        ...subscriptionIds(name),
        price: 'price_unheard',
      });
      await usher.stripe.send(event);
      return `/v1/webhooks/stripe/${event.id}/retry`;
    },
    told: ({ body }) => ({
      action: 'webhook.retry',
      target: { kind: 'webhook', id: `stripe:${String(body.eventId)}` },
      userId: body.userId,
      before: { status: 'waiting' },
      after: { status: 'stored' },
    }),
  },
  'DELETE /v1/keys/{id}': {
    scope: 'admin',
    prepare: async (name) => `/v1/keys/${await newKey(name)}`,
    told: (_, path) => ({
      action: 'key.revoke',
      target: { kind: 'key', id: idOf(path) },
      before: { name: expect.any(String), scopes: ['edge'] },
      after: null,
    }),
  },
};
const make = async (route: string, change: Change, name: string, key: string) => {
  const path = await change.prepare(name);
  const [method = ''] = route.split(' ');
  const reply = await call(usher.url, key, method, path, change.body?.(name), {
    'usher-reason': reason,
    ...(change.contentType !== undefined && { 'content-type': change.contentType }),
  });
  return { path, reply };
};

/** The calls that take a reason: `npm run check` finds those of people that do not (tools/checks/house.mjs). */
function auditedCalls(): string[] {
  type Operation = { parameters?: { name: string }[] };
  const file = new URL('../../../docs/openapi.json', import.meta.url);
  const { paths } = JSON.parse(readFileSync(file, 'utf8')) as {
    paths: Record<string, Record<string, Operation>>;
  };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { parameters = [] }]) => parameters.some(({ name }) => name === 'Usher-Reason'))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
}

test('every call by which people change something is in the table below', () => {
  expect(auditedCalls().toSorted()).toEqual(Object.keys(CHANGES).toSorted());
});

describe.each(Object.entries(CHANGES))('%s', (route, change) => {
  const name = route.replaceAll(/\W+/g, '-').toLowerCase();

  test('is told by the audit: who, by which right, what, why, in which request', async () => {
    const { id, key } = await keyWith(change.scope);
    const { path, reply } = await make(route, change, name, key);
    expect(reply.status).toBeLessThan(300);
    const [newest] = await entries('limit=1');
    expect(newest).toMatchObject({
      actor: { kind: 'key', id, name: `desk of ${change.scope}` },
      role: change.scope,
      reason,
      requestId: expect.stringMatching(/./),
      result: 'done',
      ...change.told(reply, path),
    });
    expect(Date.now() - Date.parse(newest?.at ?? '')).toBeLessThan(60_000);
    expectNoSecrets({ ...usher.secrets(), key, made: String(reply.body.key) }, JSON.stringify(newest));
  });

  test('changes nothing when the audit cannot be written', async () => {
    const { key } = await keyWith(change.scope);
    const path = await change.prepare(`${name}-2`);
    const before = await stored();
    await usher.database.query('ALTER TABLE audit_entry ADD CONSTRAINT broken CHECK (false) NOT VALID');
    try {
      const { reply } = await make(route, { ...change, prepare: () => path }, `${name}-2`, key);
      expectProblem(reply, 500, 'internal', true);
    } finally {
      await usher.database.query('ALTER TABLE audit_entry DROP CONSTRAINT broken');
    }
    expect(await stored()).toEqual(before);
  });
});

/** All that the calls of the table change. */
const stored = () =>
  Promise.all(
    [
      'SELECT plan_id, name, revision FROM plan',
      'SELECT price_id, plan_id FROM plan_price',
      'SELECT processor, customer_id, user_id FROM processor_link',
      'SELECT id, name, revoked_at FROM service_key',
      'SELECT user_id, device_id, token_id, seq FROM revocation',
      'SELECT stream_id, end_reason FROM stream',
      'SELECT user_id, "offset" FROM mailbox_entry',
      'SELECT event_id, status, next_attempt_at FROM webhook',
      'SELECT name, body FROM digest_definition WHERE NOT is_removed',
      'SELECT name, rule, members FROM audience WHERE NOT is_removed',
      'SELECT name, body, state FROM campaign',
      'SELECT vendor, critical FROM push_pause',
      'SELECT user_id, state, created_at FROM push',
      'SELECT id FROM audit_entry',
    ].map((query) => usher.database.query(`SELECT row_to_json(r)::text AS row FROM (${query}) r ORDER BY 1`)),
  );
