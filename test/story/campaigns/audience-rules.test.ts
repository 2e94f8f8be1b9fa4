import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Database } from '../../../src/platform/postgres/database.js';
import type { AudienceRule } from '../../../src/audiences/rule/audience-rule.js';
import { AudienceSliceStore } from '../../../src/audiences/slices/audience-slice.store.js';
import { estimateOf } from '../../../src/audiences/slices/estimate.js';
import { testConfig } from '../../support/config.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

/** Rules in process on a real PostgreSQL: each is a statement of its own. */
let postgres: TestDatabase;
let database: Database;
let slices: AudienceSliceStore;
beforeAll(async () => {
  postgres = await createDatabase();
  database = new Database(testConfig({ DATABASE_URL: postgres.url }));
  slices = new AudienceSliceStore(database);
  await postgres.query(
    `INSERT INTO membership (user_id, version, status, plan_id, effective_at, reason, updated_at, bucket)
     SELECT u, 1, s, p, now(), 'test', now(), bucket_of(u)
     FROM (VALUES ('ada', 'active', 'premium'), ('ben', 'canceled', 'premium'), ('cem', 'active', 'basic')) AS v (u, s, p)`,
  );
  await postgres.query(
    `INSERT INTO device (user_id, device_id, platform, app_version, timezone, locale, last_seen_at, bucket)
     SELECT u, d, p, a, z, l, now() - s * interval '1 day', bucket_of(u) FROM (VALUES
       ('ada', 'phone', 'ios', '4.10.0', 'Europe/Berlin', 'de-DE', 1), ('ada', 'tv', 'tv', '2.0', NULL, NULL, 1),
       ('ben', 'phone', 'android', '4.9', 'Asia/Tokyo', 'ja', 40), ('dan', 'web', 'web', 'beta', NULL, NULL, 3)) AS v (u, d, p, a, z, l, s)`,
  );
  await postgres.query(
    `INSERT INTO contact (user_id, email_verified, phone_verified, timezone, locale, bucket)
     VALUES ('eve', false, false, 'Asia/Tokyo', 'de-AT', bucket_of('eve'))`,
  );
  await postgres.query(
    `INSERT INTO preference (user_id, body, bucket)
     VALUES ('fay', '{"categories":{"promo":{"delivery":"digest","channels":{"push":false}}}}', bucket_of('fay'))`,
  );
  await postgres.query(
    `INSERT INTO playback_position (user_id, profile_id, show_id, position_seconds, duration_seconds, state, device_id, at, bucket)
     SELECT u, 'main', s, 1, 2, 'stopped', 'd', now() - d * interval '1 day', bucket_of(u)
     FROM (VALUES ('ada', 'dark', 2), ('ben', 'dark', 90), ('ben', 'lost', 1)) AS v (u, s, d)`,
  );
  await postgres.query(
    `INSERT INTO mailbox (user_id, epoch, last_offset, generation_ends, bucket) VALUES ('gus', 'e', 0, '{}', bucket_of('gus'))`,
  );
});
afterAll(async () => {
  await database.onApplicationShutdown();
  await postgres.drop();
});

const find = async (rule: AudienceRule, limit = 100) => {
  const selection = { audience: { name: 'any', rule }, without: [] };
  const found: string[] = [];
  for (let after = ''; ;) {
    const slice = await database.transaction('routine', (tx) =>
      slices.slice(tx, selection, { after, limit }),
    );
    found.push(...slice.flatMap(({ userId, isMember }) => (isMember ? [userId] : [])));
    if (slice.length < limit) return found;
    after = slice.at(-1)?.userId ?? '';
  }
};

test.each<[what: string, rule: AudienceRule, members: readonly string[]]>([
  [
    'everyone of whom something is known',
    { everyone: true },
    ['ada', 'ben', 'cem', 'dan', 'eve', 'fay', 'gus'],
  ],
  ['a plan', { plan: ['premium'] }, ['ada', 'ben']],
  ['a status', { status: ['active', 'trialing'] }, ['ada', 'cem']],
  ['a platform', { platform: ['ios', 'web'] }, ['ada', 'dan']],
  ['a version, by its numbers', { appVersion: { atLeast: '4.10' } }, ['ada']],
  ['a version that ends with zeros', { appVersion: { atLeast: '4.9.0', below: '4.10' } }, ['ben']],
  ['a version of one platform', { appVersion: { platform: 'tv', below: '3' } }, ['ada']],
  ['a language, whatever the country', { locale: ['de'] }, ['ada', 'eve']],
  ['a language and country', { locale: ['de-at', 'ja'] }, ['ben', 'eve']],
  ['a time zone, of the contact before that of a device', { timezone: ['Asia/Tokyo'] }, ['ben', 'eve']],
  ['who was seen', { lastSeen: { withinDays: 30 } }, ['ada', 'dan']],
  ['who watched a show', { watched: { showId: 'dark' } }, ['ada', 'ben']],
  ['who watched it lately', { watched: { showId: 'dark', withinDays: 30 } }, ['ada']],
  ['a preference', { preference: { category: 'promo', delivery: 'digest' } }, ['fay']],
  [
    'two of a category',
    { preference: { category: 'promo', delivery: 'digest', channels: { push: true } } },
    [],
  ],
  ['all of several', { all: [{ plan: ['premium'] }, { status: ['active'] }] }, ['ada']],
  ['any of several', { any: [{ plan: ['basic'] }, { platform: ['web'] }] }, ['cem', 'dan']],
  ['not', { not: { any: [{ plan: ['premium', 'basic'] }, { platform: ['web'] }] } }, ['eve', 'fay', 'gus']],
  ['a text that is no SQL', { plan: [`premium' OR true --`] }, []],
])('a rule finds %s', async (_, rule, members) => {
  expect(await find(rule)).toEqual(members);
});

test('slices of any size find each user once', async () => {
  const everyone = await find({ everyone: true });
  for (const limit of [1, 2, 3, 6]) expect(await find({ everyone: true }, limit)).toEqual(everyone);
});

test('an estimate counts each user once, whatever tables they are in', async () => {
  const { members, step } = await slices.sample({
    audience: { name: 'any', rule: { everyone: true } },
    without: [{ name: 'premium', rule: { plan: ['premium'] } }],
  });
  const sizes = new Map<string, number>();
  for (const { userId, weight } of members) sizes.set(userId, (sizes.get(userId) ?? 0) + weight);
  expect(Object.fromEntries(sizes)).toEqual({ cem: 1, dan: 1, eve: 1, fay: 1, gus: 1 });
  expect(step).toBe(1);
});

test('an estimate of a rule that fits nobody who was looked at does not say that there is nobody', async () => {
  await postgres.query(
    `INSERT INTO mailbox (user_id, epoch, last_offset, generation_ends, bucket)
     SELECT 'u' || n, 'e', 0, '{}', bucket_of('u' || n) FROM generate_series(1, 20000) n`,
  );
  const { members, step } = await slices.sample({
    audience: { name: 'none', rule: { plan: ['there is none'] } },
    without: [],
  });
  expect(members).toEqual([]);
  expect(estimateOf([], step)).toEqual({ size: 0, margin: expect.any(Number), isExact: false });
  expect(estimateOf([], step).margin).toBeGreaterThan(3);
});
