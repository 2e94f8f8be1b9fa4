import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { AppModule } from '../../../src/app.module.js';
import { CampaignChecksService } from '../../../src/campaigns/definitions/campaign-checks.service.js';
import { CampaignsService } from '../../../src/campaigns/definitions/campaigns.service.js';
import type { CampaignDefinition } from '../../../src/campaigns/campaign.js';
import { CampaignStartService } from '../../../src/campaigns/members/campaign-start.service.js';
import { FreezingService } from '../../../src/campaigns/members/freezing.service.js';
import { CampaignSendingService } from '../../../src/campaigns/sending/campaign-sending.service.js';
import { CampaignSendingStore } from '../../../src/campaigns/sending/campaign-sending.store.js';
import { ContactCipher } from '../../../src/contacts/contact-cipher.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { testConfig } from '../../support/config.js';
import { CONTACT_KEY } from '../../support/drivers/usher.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';
import { DyingDatabase } from '../../support/infrastructure/dying-database.js';

/** Campaigns in process on a real PostgreSQL: where a worker dies cannot be chosen through the API. */
let postgres: TestDatabase;
let server: TestingModule;

let database: DyingDatabase;

beforeAll(async () => {
  postgres = await createDatabase();
  const config = testConfig({
    DATABASE_URL: postgres.url,
    REDIS_URL: process.env.REDIS_URL ?? '',
    ROLES: 'api',
    CONTACT_KEY,
  });
  database = new DyingDatabase(config);
  server = await Test.createTestingModule({ imports: [AppModule.with(config)] })
    .overrideProvider(Database)
    .useValue(database)
    .compile();
  await postgres.query(`INSERT INTO template (name, active_version) VALUES ('advent', 1)`);
  await postgres.query(
    `INSERT INTO template_version (name, version, body, html) VALUES ('advent', 1, $1, '{}')`,
    [JSON.stringify(TEMPLATE)],
  );
});
afterAll(async () => {
  await server.close();
  await database.onApplicationShutdown();
  await postgres.drop();
});
beforeEach(async () => {
  database.dyingAt = undefined;
  await postgres.query(
    `TRUNCATE audience, audience_member, campaign, campaign_walk, campaign_member, campaign_address, campaign_tally,
       mailbox, mailbox_entry, handoff, message, device, contact, preference, membership`,
  );
});

const TEMPLATE = {
  data: {
    type: 'object',
    required: ['city'],
    properties: { city: { type: 'string' } },
  },
  example: { city: 'Berlin' },
  defaultLocale: 'en',
  locales: {
    en: {
      push: { title: 'Advent in {{ city }}', body: 'Two for one' },
      email: { subject: 'Advent', text: 'In {{ city }}' },
    },
  },
};

const LONG_AGO = '2026-01-01T00:00:00.000Z';
const campaign = (changes: Partial<CampaignDefinition> = {}): CampaignDefinition => ({
  template: { name: 'advent', version: 1, data: { city: 'Berlin' } },
  audiences: ['all'],
  exclusions: [],
  channels: ['push', 'email'],
  startAt: LONG_AGO,
  ...changes,
});
/** A scheduled campaign, whose time has come unless it says otherwise. */
const schedule = (
  name: string,
  body: CampaignDefinition = campaign(),
  { startsAt = LONG_AGO, expiresAt = '2099-01-01T00:00:00Z' } = {},
) =>
  postgres.query(
    `INSERT INTO campaign (name, body, state, author, starts_at, expires_at) VALUES ($1, $2, 'scheduled', '{}', $3, $4)`,
    [name, JSON.stringify(body), startsAt, expiresAt],
  );
const audience = (name: string, rule: object | null = { everyone: true }) =>
  postgres.query('INSERT INTO audience (name, rule) VALUES ($1, $2)', [name, rule && JSON.stringify(rule)]);
const list = async (name: string, members: Readonly<Record<string, object | null>>) => {
  await audience(name, null);
  for (const [userId, data] of Object.entries(members))
    await postgres.query(
      'INSERT INTO audience_member (audience, user_id, data, bucket) VALUES ($1, $2, $3, bucket_of($2))',
      [name, userId, data && JSON.stringify(data)],
    );
};
const phone = (userId: string, { timezone = 'UTC' } = {}) =>
  postgres.query(
    `INSERT INTO device (user_id, device_id, platform, timezone, push, bucket)
     VALUES ($1, 'phone', 'ios', $2, '{"kind":"fcm_token","address":"a"}', bucket_of($1))`,
    [userId, timezone],
  );
const cipher = new ContactCipher([CONTACT_KEY]);
const mail = (userId: string, address: string, isVerified = true) =>
  postgres.query(
    `INSERT INTO contact (user_id, email, email_verified, phone_verified, bucket) VALUES ($1, $2, $3, false, bucket_of($1))`,
    [userId, cipher.encrypt(address), isVerified],
  );
const prefer = (userId: string, delivery: string) =>
  postgres.query('INSERT INTO preference (user_id, body, bucket) VALUES ($1, $2, bucket_of($1))', [
    userId,
    JSON.stringify({ categories: { campaign: { delivery } } }),
  ]);

async function freeze(): Promise<void> {
  while (await server.get(CampaignStartService).startDue());
  while (await server.get(FreezingService).freezeSlice());
  await server.get(FreezingService).markFrozen();
}
async function send(limit = 100): Promise<void> {
  const store = server.get(CampaignSendingStore);
  for (const one of await store.running()) {
    const template = await server.get(CampaignChecksService).templateOf(one.body);
    while ((await server.get(CampaignSendingService).sendSlice(one, template, limit)).length > 0);
  }
  await store.finish('done');
}
const membersOf = (name: string) =>
  postgres.query<{ user_id: string; state: string; reason: string | null; channel: string | null }>(
    'SELECT user_id, state, reason, channel FROM campaign_member WHERE campaign = $1 ORDER BY user_id',
    [name],
  );
const becameOf = async (name: string) =>
  Object.fromEntries(
    (await membersOf(name)).map((one) => [one.user_id, one.reason ?? one.channel ?? one.state]),
  );
const eventsOf = (userId: string) =>
  postgres.query<{ data: Record<string, unknown> }>(
    `SELECT data FROM mailbox_entry WHERE user_id = $1 AND type = 'campaign.message'`,
    [userId],
  );
const stateOf = async (name: string) =>
  (await postgres.query<{ state: string }>('SELECT state FROM campaign WHERE name = $1', [name]))[0]?.state;
const countsOf = async (name: string) => (await server.get(CampaignsService).describe(name)).counts;

describe('each person is reached once', () => {
  test('although in three audiences, and although two accounts have one mailbox', async () => {
    await list('winners', { ada: null, ben: null, cem: null });
    await list('premium', { ben: null, cem: null, ada2: null });
    await audience('all');
    await phone('ada');
    await phone('ben');
    await mail('ada', 'a.da@gmail.com');
    await mail('ada2', 'Ada+x@googlemail.com');
    await mail('cem', 'cem@example.com');
    await schedule('advent', campaign({ audiences: ['winners', 'premium', 'all'] }));
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({
      ada: 'push',
      ada2: 'duplicate_address',
      ben: 'push',
      cem: 'email',
    });
    expect(await countsOf('advent')).toEqual({
      audience: 10,
      duplicates: { users: 6, addresses: 1 },
      members: 4,
      pending: 0,
      queued: { push: 2, email: 1 },
      skipped: { duplicate_address: 1 },
    });
    expect(await stateOf('advent')).toBe('done');
    expect(await postgres.query('SELECT user_id, campaign_id, channel FROM message')).toEqual([
      { user_id: 'cem', campaign_id: 'advent', channel: 'email' },
    ]);
    expect((await eventsOf('ada'))[0]?.data).toEqual({
      campaign: 'advent',
      template: { name: 'advent', version: 1 },
      values: { city: 'Berlin' },
      title: 'Advent in Berlin',
      body: 'Two for one',
    });
  });

  test('and an address that nobody has verified keeps nobody else out', async () => {
    await audience('all');
    await mail('aaa', 'ada@example.com', false);
    await mail('ada', 'ada@example.com');
    await schedule('advent');
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({ aaa: 'no_address', ada: 'email' });
  });

  test('although its worker is killed at any statement, or at the commit: while it finds them, and while it sends', async () => {
    await audience('all');
    await list('some', { cem: { city: 'Bonn' }, ben: null });
    await phone('ada');
    await mail('ben', 'ben@example.com');
    await mail('cem', 'cem@example.com');
    await schedule('advent', campaign({ audiences: ['some', 'all'] }));
    const died: unknown[] = [];
    for (const work of [freeze, () => send(2)])
      for (const dyingAt of [1, 2, 3, 4, 5, 6, 7, 'commit', undefined] as const) {
        database.dyingAt = dyingAt;
        await work().catch(() => died.push(dyingAt));
      }
    database.dyingAt = undefined;
    expect(died.length).toBeGreaterThanOrEqual(13);
    expect(await countsOf('advent')).toEqual({
      audience: 5,
      duplicates: { users: 2, addresses: 0 },
      members: 3,
      pending: 0,
      queued: { push: 1, email: 2 },
      skipped: {},
    });
    const offsets = await postgres.query('SELECT user_id, last_offset::int FROM mailbox ORDER BY user_id');
    expect(offsets).toEqual(['ada', 'ben', 'cem'].map((user_id) => ({ user_id, last_offset: 1 })));
    expect(await postgres.query('SELECT user_id FROM message ORDER BY user_id')).toEqual([
      { user_id: 'ben' },
      { user_id: 'cem' },
    ]);
    expect((await eventsOf('cem'))[0]?.data).toMatchObject({ values: { city: 'Bonn' } });
  });

  test('by one of several workers that are at it together', async () => {
    await audience('all');
    await audience('again');
    const users = Array.from({ length: 60 }, (_, n) => `crowd-${n}`);
    for (const [n, userId] of users.entries()) {
      await phone(userId);
      await mail(userId, `${n % 50}@example.com`);
    }
    await schedule('advent', campaign({ audiences: ['all', 'again'] }));
    await Promise.all(Array.from({ length: 4 }, freeze));
    await Promise.all(Array.from({ length: 4 }, () => send(7)));
    await send();
    expect(await countsOf('advent')).toMatchObject({
      audience: 120,
      duplicates: { users: 60, addresses: 10 },
      members: 60,
      pending: 0,
      queued: { push: 50 },
    });
    const heads = await postgres.query('SELECT DISTINCT last_offset::int FROM mailbox');
    expect(heads).toEqual([{ last_offset: 1 }]);
  });
});

describe('a member is skipped', () => {
  test('who is in an exclusion, by rule or by list: they are no members at all', async () => {
    await audience('all');
    await audience('tokyo', { timezone: ['Asia/Tokyo'] });
    await list('staff', { ben: null });
    await phone('ada');
    await phone('ben');
    await phone('cem', { timezone: 'Asia/Tokyo' });
    await schedule('advent', campaign({ exclusions: ['staff', 'tokyo'] }));
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({ ada: 'push' });
  });

  test('for whom the template lacks a value, alone', async () => {
    await list('some', { ada: { city: 'Bonn' }, ben: null, cem: { city: 7 } });
    await Promise.all(['ada', 'ben', 'cem'].map((userId) => phone(userId)));
    await schedule(
      'advent',
      campaign({ audiences: ['some'], template: { name: 'advent', version: 1, data: {} } }),
    );
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({
      ada: 'push',
      ben: 'template_data_invalid',
      cem: 'template_data_invalid',
    });
  });

  test('who wants none, by what they prefer when it is their turn', async () => {
    await audience('all');
    await phone('ada');
    await phone('ben');
    await schedule('advent');
    await freeze();
    await prefer('ben', 'off');
    await send();
    expect(await becameOf('advent')).toEqual({ ada: 'push', ben: 'preference' });
  });

  test('who got as many campaigns as the cap allows', async () => {
    await audience('all');
    await phone('ada');
    const cap = { campaigns: 2, withinDays: 7 };
    for (const name of ['one', 'two', 'three']) {
      await schedule(name, campaign({ cap }));
      await freeze();
      await send();
    }
    expect(await Promise.all(['one', 'two', 'three'].map(becameOf))).toEqual([
      { ada: 'push' },
      { ada: 'push' },
      { ada: 'capped' },
    ]);
  });

  test('whose turn comes after the end of the campaign', async () => {
    await audience('all');
    await phone('ada');
    await schedule('advent', campaign(), { expiresAt: '2026-01-02T00:00:00Z' });
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({ ada: 'expired' });
    expect(await eventsOf('ada')).toEqual([]);
  });
});

test('at a local time each member’s turn is by the clock of their zone', async () => {
  await audience('all');
  await phone('east', { timezone: 'Pacific/Kiritimati' });
  await phone('west', { timezone: 'Pacific/Pago_Pago' });
  // The same date and time comes to them 25 hours apart.
  const between = new Date(Date.now() + 2 * 3_600_000);
  const local = new Date(between.getTime() + 11 * 3_600_000).toISOString();
  const startAt = { date: local.slice(0, 10), time: local.slice(11, 16) };
  await schedule('advent', campaign({ startAt }));
  await freeze();
  await send();
  expect(await becameOf('advent')).toEqual({ east: 'push', west: 'pending' });
  expect(await stateOf('advent')).toBe('running');
});

test('once a campaign is paused nobody else is told, and once it is resumed everybody is', async () => {
  await audience('all');
  for (let n = 0; n < 10; n += 1) await phone(`user-${n}`);
  await schedule('advent');
  await freeze();
  const store = server.get(CampaignSendingStore);
  const [running] = await store.running();
  if (!running) throw new Error('it runs');
  const template = await server.get(CampaignChecksService).templateOf(running.body);
  const sendFour = () => server.get(CampaignSendingService).sendSlice(running, template, 4);
  expect(await sendFour()).toHaveLength(4);
  await postgres.query(`UPDATE campaign SET state = 'paused'`);
  expect(await sendFour()).toHaveLength(0);
  expect(await countsOf('advent')).toMatchObject({ pending: 6 });
  await postgres.query(`UPDATE campaign SET state = 'running'`);
  await send();
  expect(await countsOf('advent')).toMatchObject({ pending: 0, queued: { push: 10 } });
});

test('a campaign whose exclusion was removed does not begin, and says why', async () => {
  await audience('all');
  await phone('ada');
  await schedule('advent', campaign({ exclusions: ['staff'] }));
  await freeze();
  await send();
  const [row] = await postgres.query('SELECT state, problem FROM campaign');
  expect(row).toEqual({ state: 'approved', problem: 'There is no audience staff any more.' });
  expect(await membersOf('advent')).toEqual([]);
});

test('a campaign keeps the rules that it began with', async () => {
  await audience('some', { timezone: ['Asia/Tokyo'] });
  await phone('ada', { timezone: 'Asia/Tokyo' });
  await phone('ben');
  await schedule('advent', campaign({ audiences: ['some'] }));
  while (await server.get(CampaignStartService).startDue());
  await postgres.query(`UPDATE audience SET rule = '{"everyone":true}'`);
  await freeze();
  await send();
  expect(await becameOf('advent')).toEqual({ ada: 'push' });
});
