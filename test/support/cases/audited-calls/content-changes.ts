import { expect } from '@jest/globals';
import type { TestUsher } from '../../drivers/usher.js';
import { type Change, idOf, putAt } from './change.js';

const DIGEST_DEFAULTS = {
  types: [],
  categories: [],
  maxItems: 20,
  order: 'newest',
  group: 'none',
  optIn: true,
  channels: ['push'],
};

const TEMPLATE = {
  data: { type: 'object' },
  locales: { en: { sms: { text: 'Hello' } } },
};
const FALLBACK = { channels: ['sms'], afterSeconds: 600 };

const CAMPAIGN = {
  template: { name: 'campaigned' },
  audiences: ['everyone'],
  channels: ['app'],
  startAt: '2090-01-01T00:00:00Z',
};
const EVERYONE = { rule: { everyone: true } };

/** Writes a campaign, and takes it to a state past the calls that lead there. Returns the path of what is done with it then. */
async function campaignIn(usher: TestUsher, state: string, name: string, act: string): Promise<string> {
  await putAt(usher, '/v1/templates/campaigned', {
    data: { type: 'object' },
    locales: { en: { push: { title: 'Hello', body: 'you' } } },
  });
  await putAt(usher, '/v1/audiences/everyone', EVERYONE);
  await putAt(usher, `/v1/campaigns/${name}`, CAMPAIGN);
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
  prepare: (usher, name) => campaignIn(usher, before, name, act),
  told: (_, path) => ({
    action: `campaign.${act}`,
    target: { kind: 'campaign', id: idOf(path) },
    userId: null,
    before: { state: before },
    after: { state: after },
  }),
});

/** The calls that change what users are told: digests, audiences, campaigns, templates, fallbacks. */
export const CONTENT_CHANGES: Readonly<Record<string, Change>> = {
  'PUT /v1/digests/{name}': {
    scope: 'operate',
    prepare: (_, name) => `/v1/digests/${name.toLowerCase()}`,
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
    prepare: async (usher, name) => {
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
    prepare: (_, name) => `/v1/audiences/${name}`,
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
    prepare: (usher, name) => putAt(usher, `/v1/audiences/${name}`, EVERYONE),
    told: (_, path) => ({
      action: 'audience.remove',
      target: { kind: 'audience', id: idOf(path) },
      before: { ...EVERYONE, members: 0 },
      after: null,
    }),
  },
  'PUT /v1/audiences/{name}/members': {
    scope: 'operate',
    prepare: async (usher, name) => `${await putAt(usher, `/v1/audiences/${name}`, {})}/members`,
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
    prepare: async (usher) => {
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
    prepare: async (usher, name) => {
      await campaignIn(usher, 'draft', `${name}x`, 'approve');
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
    prepare: async (usher, name) => {
      await usher.callAs(`reader-${name}`, 'PUT', '/v1/me/devices/phone', { platform: 'android' });
      return campaignIn(usher, 'draft', name, 'test');
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
    prepare: (_, name) => `/v1/templates/${name.toLowerCase()}`,
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
    prepare: async (usher, name) => {
      const path = await putAt(usher, `/v1/templates/${name.toLowerCase()}`, TEMPLATE);
      await putAt(usher, path, { ...TEMPLATE, locales: { en: { sms: { text: 'Bye' } } } });
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
    prepare: (usher, name) => putAt(usher, `/v1/templates/${name.toLowerCase()}`, TEMPLATE),
    told: (_, path) => ({
      action: 'template.deactivate',
      target: { kind: 'template', id: idOf(path) },
      before: { version: 1 },
      after: null,
    }),
  },
  'PUT /v1/fallbacks/{type}': {
    scope: 'operate',
    prepare: (_, name) => `/v1/fallbacks/${name.toLowerCase()}`,
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
    prepare: (usher, name) => putAt(usher, `/v1/fallbacks/${name.toLowerCase()}`, FALLBACK),
    told: (_, path) => ({
      action: 'fallback.remove',
      target: { kind: 'event type', id: idOf(path) },
      before: FALLBACK,
      after: null,
    }),
  },
};
