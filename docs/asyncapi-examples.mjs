/*
 * An example of each message of docs/asyncapi.json, by its name there. test/contract/asyncapi.test.ts compares each with the schema of its
 * payload.
 */
const at = '2026-11-20T08:47:45.611Z';
const id = 'a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a11';
const epoch = 'fd351682a232';
const capabilities = { streaming: true, maxStreams: 4, maxQuality: '4k', downloads: true, ads: false };
const membership = { version: 2, status: 'active', planId: 'premium', capabilities, effectiveAt: at };
const position = {
  profileId: 'main',
  showId: 'dark',
  episodeId: 's1e1',
  positionSeconds: 630,
  durationSeconds: 3_000,
  state: 'playing',
  deviceId: 'ada-tv',
  deviceName: 'Living room',
  at,
};
const durable = (type, tier, key, data) => ({ id, type, tier, key, epoch, offset: 4, at, data });
const routine = (type, key, data) => ({ id, type, tier: 'routine', key, at, data });
const promo = durable('promo.started', 'important', 'promo', { title: 'Free week' });
const stop = { streamId: 'rX1jKq0cTqC1kO0mXbH8dA', reason: 'membership' };
const refusal = { code: 'token_expired', message: 'The user token has expired', retryable: false };
const ok = { ok: true };

/** The examples, by the name of the message in `components.messages`. */
export const EXAMPLES = {
  welcome: {
    userId: 'ada',
    deviceId: 'ada-tv',
    epoch,
    offset: 4,
    broadcast: 12,
    resume: 'replay',
    heartbeatSeconds: 60,
    tokenExpiresAt: '2026-11-20T09:47:45.000Z',
    serverTime: at,
  },
  snapshot: {
    position: { epoch, offset: 4 },
    hasMore: false,
    membership,
    entitlement: {
      userId: 'ada',
      version: 2,
      status: 'active',
      planId: 'premium',
      capabilities,
      checkedAt: at,
    },
    playback: [position],
    recommendations: [{ profileId: 'main', version: 20_261_120 }],
    entries: [promo],
  },
  goaway: { reason: 'drain', retryAfterMs: 7_300 },
  'token.expiring': { expiresAt: '2026-11-20T09:47:45.000Z' },
  'membership.changed': durable('membership.changed', 'critical', 'membership', {
    ...membership,
    reason: 'customer.subscription.updated',
  }),
  'stream.stop': {
    ...durable('stream.stop', 'critical', `stream:${stop.streamId}`, stop),
    target: 'ada-tv',
    expiresAt: '2026-11-21T10:47:45.611Z',
  },
  'recommendations.ready': durable('recommendations.ready', 'important', 'recommendations:main', {
    profileId: 'main',
    version: 20_261_120,
    items: [{ showId: 'dark' }],
    url: '/v1/me/recommendations/main',
  }),
  'playback.still_watching': {
    ...durable('playback.still_watching', 'important', 'still_watching:ada-tv', {
      showId: 'dark',
      episodes: 5,
    }),
    target: 'ada-tv',
    expiresAt: '2026-11-20T08:57:45.611Z',
  },
  'digest.ready': durable('digest.ready', 'important', 'digest:evening', {
    digest: 'evening',
    localDate: '2026-11-20',
    title: '24 new for you',
    body: 'Free week',
    count: 24,
    isCounted: true,
    items: [{ id, type: 'promo.started', key: 'promo', at, title: 'Free week' }],
  }),
  'campaign.message': durable('campaign.message', 'important', 'campaign:advent', {
    campaign: 'advent',
    template: { name: 'advent', version: 3 },
    values: { city: 'Berlin' },
    title: 'Advent in Berlin',
    body: 'Two films for the price of one',
  }),
  'playback.progress': routine('playback.progress', 'playback:main:dark', position),
  'receipts.changed': routine('receipts.changed', id, { ids: [id], state: 'seen' }),
  event: promo,
  broadcast: {
    id,
    type: 'notice.maintenance',
    tier: 'important',
    key: 'maintenance',
    broadcast: 12,
    epoch,
    at,
    expiresAt: '2026-12-01T04:00:00.000Z',
    data: { from: '2026-12-01T02:00:00Z' },
  },
  connect: { token: 'eyJ…', deviceId: 'ada-tv', platform: 'tv', appVersion: '4.2.0', epoch, offset: 3 },
  'connect.answer': refusal,
  'playback.heartbeat': {
    profileId: 'main',
    showId: 'dark',
    episodeId: 's1e1',
    positionSeconds: 630,
    durationSeconds: 3_000,
    state: 'playing',
    at,
  },
  'playback.heartbeat.answer': { ok: true, nextSeconds: 60 },
  receipt: { offset: 4, state: 'applied' },
  'receipt.answer': ok,
  'device.update': { locale: 'de-DE', push: null },
  'device.update.answer': ok,
  sync: { epoch, offset: 3 },
  'sync.answer': {
    ok: false,
    error: { code: 'rate_limited', message: 'Too many requests', retryable: true, retryAfterMs: 500 },
  },
  'token.refresh': { token: 'eyJ…' },
  'token.refresh.answer': { ok: true, tokenExpiresAt: '2026-11-20T10:47:45.000Z' },
  'edge.stream.stop': { ...stop, userId: 'ada', deviceId: 'ada-tv', version: 3 },
  'edge.stream.stop.answer': ok,
  'edge.entitlement.changed': { userId: 'ada', version: 3, streaming: false },
  'edge.entitlement.changed.answer': ok,
  'edge.connect': { key: 'usk_…', edgeId: 'edge-fra-1' },
  'edge.connect.answer': {
    code: 'unauthorized',
    message: 'A valid service key is needed.',
    retryable: false,
  },
  'edge.streams': { streamIds: [stop.streamId] },
  'edge.streams.answer': { ok: true, stop: [] },
};
