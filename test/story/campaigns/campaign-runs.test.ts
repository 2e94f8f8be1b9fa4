import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { AppModule } from '../../../src/app.module.js';
import { newUploadTally, UploadService } from '../../../src/audiences/members/upload.service.js';
import { AudienceSlicesService } from '../../../src/audiences/slices/audience-slices.service.js';
import { GoalsService } from '../../../src/campaigns/goals/goals.service.js';
import { CampaignActsService } from '../../../src/campaigns/definitions/campaign-acts.service.js';
import { CampaignsService } from '../../../src/campaigns/definitions/campaigns.service.js';
import type { CampaignDefinition } from '../../../src/campaigns/campaign.js';
import { DryRunService } from '../../../src/campaigns/preview/dry-run.service.js';
import { CampaignStartService } from '../../../src/campaigns/members/campaign-start.service.js';
import { FreezingService } from '../../../src/campaigns/members/freezing.service.js';
import { FreezingWorker } from '../../../src/campaigns/members/freezing.worker.js';
import { CampaignSendingService } from '../../../src/campaigns/sending/campaign-sending.service.js';
import { CampaignSendingStore } from '../../../src/campaigns/sending/campaign-sending.store.js';
import { CampaignWorker } from '../../../src/campaigns/sending/campaign.worker.js';
import { ContactCipher } from '../../../src/contacts/contact-cipher.js';
import { MailboxService } from '../../../src/mailbox/mailbox.service.js';
import { OverviewStore } from '../../../src/operations/overview.store.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { byTest } from '../../support/audit.js';
import { CAMPAIGN_TEMPLATE } from '../../support/cases/campaign-template.js';
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
    CAMPAIGN_MEMBERS_PER_SECOND: '200',
  });
  database = new DyingDatabase(config);
  server = await Test.createTestingModule({ imports: [AppModule.with(config)] })
    .overrideProvider(Database)
    .useValue(database)
    .compile();
  await postgres.query(`INSERT INTO template (name, active_version) VALUES ('advent', 1)`);
  await postgres.query(
    `INSERT INTO template_version (name, version, body, html) VALUES ('advent', 1, $1, '{}')`,
    [JSON.stringify(CAMPAIGN_TEMPLATE)],
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
    `TRUNCATE audience, audience_member, campaign, campaign_progress, campaign_member, campaign_address, campaign_tally,
       mailbox, mailbox_entry, handoff, message, device, contact, preference, membership, broadcast`,
  );
});

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

async function start(): Promise<void> {
  const starts = server.get(CampaignStartService);
  for (const { name } of await starts.due(10)) await starts.start(name);
}
async function freeze(): Promise<void> {
  await start();
  const freezing = server.get(FreezingService);
  for (const { name } of await freezing.campaigns()) while (await freezing.freezeSlice(name));
  await freezing.markFrozen();
}
async function send(limit = 100): Promise<void> {
  const store = server.get(CampaignSendingStore);
  for (const one of await store.running())
    while ((await server.get(CampaignSendingService).sendSlice(one, limit)).length > 0);
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
/** How far a campaign is that workers have stopped, why, and what the audit says of it. */
const endOf = async (name: string) =>
  (
    await postgres.query(
      `SELECT c.state, c.problem, (SELECT a.action FROM audit_entry a WHERE a.target_id = c.name AND a.actor_kind = 'worker' ORDER BY a.at DESC LIMIT 1) AS audited
       FROM campaign c WHERE c.name = $1`,
      [name],
    )
  )[0];
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
      converted: 0,
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
      converted: 0,
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

  test('whose mail address no secret decrypts, alone', async () => {
    await audience('all');
    await mail('ada', 'ada@example.com');
    await mail('ben', 'ben@example.com');
    await postgres.query(`UPDATE contact SET email = '\\x00' WHERE user_id = 'ben'`);
    await schedule('advent');
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({ ada: 'email', ben: 'address_unreadable' });
    expect(await countsOf('advent')).toMatchObject({
      members: 2,
      pending: 0,
      skipped: { address_unreadable: 1 },
    });
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
  const sendFour = () => server.get(CampaignSendingService).sendSlice(running, 4);
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
  expect(await endOf('advent')).toEqual({
    state: 'approved',
    problem: 'There is no audience staff any more.',
    audited: 'campaign.refuse',
  });
  expect(await membersOf('advent')).toEqual([]);
});

test('a campaign keeps the rules that it began with', async () => {
  await audience('some', { timezone: ['Asia/Tokyo'] });
  await phone('ada', { timezone: 'Asia/Tokyo' });
  await phone('ben');
  await schedule('advent', campaign({ audiences: ['some'] }));
  await start();
  await postgres.query(`UPDATE audience SET rule = '{"everyone":true}'`);
  await freeze();
  await send();
  expect(await becameOf('advent')).toEqual({ ada: 'push' });
});

describe('what a campaign hopes for', () => {
  const goal = { eventType: 'show.started', withinHours: 72 };
  const happens = (type: string, ...userIds: string[]) =>
    server
      .get(MailboxService)
      .publish(userIds.map((userId) => ({ userId, type, tier: 'important', data: {} })));
  beforeEach(async () => {
    await list('some', { ada: null, ben: null, cem: null });
    await Promise.all(['ada', 'ben'].map((userId) => phone(userId)));
    await schedule('advent', campaign({ audiences: ['some'], goal }));
    await server.get(GoalsService).runOnce();
    await freeze();
  });
  const converted = async () => (await countsOf('advent')).converted;

  test('is counted once for each member who got it, however often it happens', async () => {
    await happens('show.started', 'ada');
    expect(await converted()).toBe(0);
    await send();
    await happens('show.started', 'ada', 'ada', 'cem', 'dan');
    await Promise.all([happens('show.started', 'ada'), happens('show.started', 'ada')]);
    await happens('show.ended', 'ben');
    expect(await converted()).toBe(1);
    const rows = await postgres.query(
      'SELECT user_id FROM campaign_member WHERE converted_at IS NOT NULL ORDER BY user_id',
    );
    expect(rows).toEqual([{ user_id: 'ada' }]);
  });

  test('is not counted after its time, nor when the event itself is not stored', async () => {
    await send();
    await postgres.query(
      `UPDATE campaign_member SET settled_at = now() - interval '73 hours' WHERE user_id = 'ada'`,
    );
    await happens('show.started', 'ada');
    database.dyingAt = 'commit';
    await expect(happens('show.started', 'ben')).rejects.toThrow('killed');
    database.dyingAt = undefined;
    expect(await converted()).toBe(0);
    expect(
      await postgres.query(`SELECT FROM mailbox_entry WHERE type = 'show.started' AND user_id = 'ben'`),
    ).toEqual([]);
    await happens('show.started', 'ben');
    expect(await converted()).toBe(1);
  });

  test('never stands in the way of the event: what cannot be counted is logged, and the event is stored', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    await send();
    await postgres.query(`ALTER TABLE campaign_member ADD CONSTRAINT broken CHECK (converted_at IS NULL)`);
    try {
      await happens('show.started', 'ada');
    } finally {
      await postgres.query(`ALTER TABLE campaign_member DROP CONSTRAINT broken`);
    }
    expect(await postgres.query(`SELECT user_id FROM mailbox_entry WHERE type = 'show.started'`)).toEqual([
      { user_id: 'ada' },
    ]);
    expect(await converted()).toBe(0);
    expect(logged).toHaveBeenCalledWith(expect.any(Error), 'the goal of a campaign is not counted');
    logged.mockRestore();
  });

  test('costs no statement for events that no campaign hopes for', () => {
    const goals = server.get(GoalsService);
    expect(['show.started', 'show.ended', 'membership.changed'].map((type) => goals.observes(type))).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('a campaign to everyone', () => {
  const notice = () => schedule('notice', campaign({ to: 'everyone', audiences: [], channels: ['app'] }));
  const act = (what: 'abort' | 'pause' | 'resume') =>
    server.get(CampaignActsService).act(what, 'notice', byTest);
  const broadcasts = () =>
    postgres.query<{ id: string; withdrawn: boolean }>(
      `SELECT id, withdrawn_at IS NOT NULL AS withdrawn FROM broadcast WHERE key = 'campaign:notice'`,
    );
  const read = async () => {
    const { state, problem, broadcastId } = await server.get(CampaignsService).find('notice');
    return { state, problem, broadcastId };
  };
  /** Does the work again and again, killed at each statement in turn, and looks at what is stored after each death. Returns where it died. */
  async function killed(work: () => Promise<unknown>, look: () => Promise<void>): Promise<unknown[]> {
    const died: unknown[] = [];
    for (const dyingAt of ['commit', 1, 2, 3, 4, 5, 6, 7, 8, undefined] as const) {
      database.dyingAt = dyingAt;
      await work().catch(() => died.push(dyingAt));
      database.dyingAt = undefined;
      await look();
    }
    return died;
  }
  const fillLog = (count: number) =>
    postgres.query(
      `INSERT INTO broadcast (number, id, type, data, sample, expires_at, key_id)
       SELECT -n, gen_random_uuid(), 'notice', '{}', 1, now() + interval '1 hour', 'key' FROM generate_series(1, $1::int) n`,
      [count],
    );

  test('is one broadcast, although its worker is killed at any statement, or at the commit', async () => {
    await phone('ada');
    await notice();
    const died = await killed(start, async () => {
      const [published] = await broadcasts();
      expect(await read()).toEqual({
        state: published ? 'running' : 'scheduled',
        problem: null,
        broadcastId: published?.id ?? null,
      });
    });
    expect(died).toEqual(['commit', 1, 2, 3, 4, 5, 6, 7]);
    await freeze();
    await send();
    expect(await broadcasts()).toEqual([{ id: expect.any(String), withdrawn: false }]);
    expect([await membersOf('notice'), await eventsOf('ada')]).toEqual([[], []]);
  });

  test('runs as long as devices are sent it', async () => {
    await notice();
    await freeze();
    await send();
    expect(await stateOf('notice')).toBe('running');
    expect((await server.get(OverviewStore).readOldest([])).campaignIdle).toBeNull();
    await expect(act('pause')).rejects.toMatchObject({
      code: 'illegal_move',
      detail: expect.stringContaining('withdraws'),
    });
    await postgres.query('UPDATE broadcast SET expires_at = now()');
    await send();
    expect(await stateOf('notice')).toBe('done');
  });

  test('is withdrawn by the act that aborts it, or neither happens', async () => {
    await notice();
    await start();
    const died = await killed(
      async () => {
        if ((await read()).state === 'running') await act('abort');
      },
      async () => {
        const [{ withdrawn } = { withdrawn: undefined }] = await broadcasts();
        expect([withdrawn, await stateOf('notice')]).toEqual(
          withdrawn ? [true, 'aborted'] : [false, 'running'],
        );
      },
    );
    expect(died).toEqual(['commit', 1, 2, 3, 4, 5, 6, 7]);
    const [{ id } = { id: '' }] = await broadcasts();
    const audited = await postgres.query(
      `SELECT action, target_id FROM audit_entry WHERE target_id IN ('notice', $1) AND action LIKE '%.abort' OR action = 'broadcast.withdraw' ORDER BY action`,
      [id],
    );
    expect(audited).toEqual([
      { action: 'broadcast.withdraw', target_id: id },
      { action: 'campaign.abort', target_id: 'notice' },
    ]);
  });

  test('that is aborted before its time is never published', async () => {
    await notice();
    await act('abort');
    await freeze();
    await send();
    expect([await broadcasts(), await stateOf('notice')]).toEqual([[], 'aborted']);
  });

  test('waits for people when too many broadcasts are in force, and is published once it is resumed', async () => {
    await fillLog(100);
    await notice();
    await freeze();
    await send();
    const tooMany = {
      state: 'paused',
      problem: 'There may be 100 broadcasts in force.',
      audited: 'campaign.halt',
    };
    expect([await broadcasts(), await endOf('notice')]).toEqual([[], tooMany]);
    await act('resume');
    await freeze();
    await send();
    expect([await broadcasts(), await endOf('notice')]).toEqual([[], tooMany]);
    await postgres.query('DELETE FROM broadcast WHERE number = -1');
    await act('resume');
    await freeze();
    await send();
    const [published] = await broadcasts();
    expect(await read()).toEqual({ state: 'running', problem: null, broadcastId: published?.id });
    expect(published).toBeDefined();
  });

  test('is published although a node of a version before had it begin, which knows only members and finds none', async () => {
    await notice();
    await postgres.query(
      `UPDATE campaign SET state = 'running', started_at = clock_timestamp(), updated_at = now()`,
    );
    const isThrough = `UPDATE campaign c SET frozen_at = now() WHERE c.state = 'running' AND c.frozen_at IS NULL
      AND NOT EXISTS (SELECT FROM campaign_walk w WHERE w.campaign = c.name AND NOT w.is_done)`;
    await expect(postgres.query(isThrough)).rejects.toThrow('campaign_is_published_check');
    await freeze();
    await send();
    expect([await broadcasts(), await stateOf('notice')]).toEqual([
      [{ id: expect.any(String), withdrawn: false }],
      'running',
    ]);
  });

  test('that has expired meanwhile is not published, and says so', async () => {
    await notice();
    await postgres.query(`UPDATE campaign SET expires_at = now()`);
    await freeze();
    await send();
    expect([await broadcasts(), await endOf('notice')]).toEqual([
      [],
      { state: 'approved', problem: 'It expired before it was published.', audited: 'campaign.refuse' },
    ]);
  });
});

test('a list is taken with as much memory, and says how far it is as often, however many of its lines are broken', async () => {
  await audience('millions', null);
  const [lines, perChunk] = [50_000, 500];
  let given = 0;
  async function* file() {
    for (let chunk = 0; chunk < lines / perChunk; chunk += 1) {
      // Of the second half only each thousandth line is a member.
      const isMember = (n: number) => n % (given < lines / 2 ? 10 : 1_000) === 0;
      const numbers = Array.from({ length: perChunk }, (_, n) => given + n + 1);
      const text = numbers.map((n) => (isMember(n) ? `{"userId":"m${n}"}\n` : `{"userId":"broken ${n}"}\n`));
      given += perChunk;
      yield await Promise.resolve(Buffer.from(text.join('')));
    }
  }
  const tally = newUploadTally();
  const ahead: number[] = [];
  const how = { format: 'ndjson', from: 1, tally } as const;
  for await (const _ of server.get(UploadService).upload('millions', file(), how))
    ahead.push(given - tally.line);
  expect(ahead.length).toBeGreaterThanOrEqual(lines / 1_000);
  expect(Math.max(...ahead)).toBeLessThanOrEqual(1_000 + perChunk);
  const accepted = lines / 2 / 10 + lines / 2 / 1_000;
  expect(tally).toMatchObject({ accepted, rejectedCount: lines - accepted, line: lines });
  expect(tally.rejected).toHaveLength(1_000);
});

test('a campaign to a rule that fits nobody, and to an empty list, is done at once, and says so', async () => {
  await phone('ada');
  await audience('nobody', { plan: ['there is none'] });
  await list('empty', {});
  await schedule('advent', campaign({ audiences: ['nobody', 'empty'] }));
  const forecast = await server.get(DryRunService).forecast('advent');
  expect(forecast).toMatchObject({ members: { size: 0, margin: 0, isExact: true }, queued: {}, rates: [] });
  await freeze();
  await send();
  expect(await stateOf('advent')).toBe('done');
  expect(await countsOf('advent')).toMatchObject({
    audience: 0,
    members: 0,
    pending: 0,
    queued: {},
    skipped: {},
  });
});

test('a node of a version before goes on with what a newer one has begun, by the names that it knows', async () => {
  await audience('all');
  await phone('ada');
  await schedule('advent');
  await start();
  const begun = await postgres.query(
    `SELECT w.position, w.walked_to AS "foundUpTo" FROM campaign c JOIN campaign_walk w ON w.campaign = c.name
     WHERE c.name = 'advent' AND NOT w.is_done ORDER BY w.position LIMIT 1 FOR UPDATE OF w SKIP LOCKED`,
  );
  expect(begun).toEqual([{ position: 0, foundUpTo: '' }]);
  await postgres.query(
    `INSERT INTO campaign_walk (campaign, position, selection) VALUES ('advent', 1, '{}')`,
  );
  await postgres.query(
    `UPDATE campaign_walk SET walked_to = 'ada', is_done = true, advanced_at = now() WHERE campaign = 'advent' AND position = 0`,
  );
  expect(
    await postgres.query('SELECT position, found_up_to, is_done FROM campaign_progress ORDER BY position'),
  ).toEqual([
    { position: 0, found_up_to: 'ada', is_done: true },
    { position: 1, found_up_to: '', is_done: false },
  ]);
});

describe('while members are found', () => {
  const excludeBen = async () => {
    await audience('all');
    await list('staff', { ben: null });
    await phone('ada');
    await phone('ben');
    await schedule('advent', campaign({ exclusions: ['staff'] }));
    await start();
  };
  const staffIsGone = {
    state: 'paused',
    problem: 'There is no list staff any more, as it was at the start.',
    audited: 'campaign.halt',
  };

  test('a list that is removed pauses the campaign: nobody is told who was to be left out', async () => {
    await excludeBen();
    await postgres.query(`UPDATE audience SET is_removed = true WHERE name = 'staff'`);
    await postgres.query(`DELETE FROM audience_member WHERE audience = 'staff'`);
    await freeze();
    await send();
    expect(await membersOf('advent')).toEqual([]);
    expect(await endOf('advent')).toEqual(staffIsGone);
  });

  test('and so does another one that has its name', async () => {
    await excludeBen();
    await postgres.query(`DELETE FROM audience WHERE name = 'staff'`);
    await postgres.query(`DELETE FROM audience_member WHERE audience = 'staff'`);
    await audience('staff', null);
    await freeze();
    expect(await membersOf('advent')).toEqual([]);
    expect(await endOf('advent')).toEqual(staffIsGone);
  });

  test('a list is not removed in the middle of a slice', async () => {
    await excludeBen();
    const held = database.transaction('routine', async (tx) => {
      const slices = server.get(AudienceSlicesService);
      const staff = { name: 'staff', rule: null };
      expect(await slices.holdLists(tx, { audience: { name: 'all', rule: {} }, without: [staff] })).toBe(
        undefined,
      );
      const removal = `SET lock_timeout = '1ms'; UPDATE audience SET is_removed = true WHERE name = 'staff'`;
      return postgres.query(removal).then(
        () => 'removed',
        ({ code }: { code: string }) => code,
      );
    });
    expect(await held).toBe('55P03');
  });

  test('whoever comes on a list is left out by it, and is no member by it', async () => {
    await list('winners', { ada: null, ben: null });
    await list('staff', {});
    await schedule('advent', campaign({ audiences: ['winners'], exclusions: ['staff'] }));
    await start();
    await postgres.query(
      `INSERT INTO audience_member (audience, user_id, bucket) VALUES ('winners', 'cem', bucket_of('cem')), ('staff', 'ben', bucket_of('ben'))`,
    );
    await freeze();
    expect(await becameOf('advent')).toEqual({ ada: 'pending' });
  });
});

describe('a campaign that fails', () => {
  /** PostgreSQL says that it takes too long to write members of the campaign `broken`. */
  const takesTooLong = () =>
    postgres.query(
      `CREATE OR REPLACE FUNCTION takes_too_long() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = '57014'; END $$;
       CREATE TRIGGER takes_too_long BEFORE INSERT ON campaign_member FOR EACH ROW WHEN (NEW.campaign = 'broken') EXECUTE FUNCTION takes_too_long()`,
    );
  const isMended = () => postgres.query('DROP TRIGGER IF EXISTS takes_too_long ON campaign_member');
  afterEach(isMended);
  const failuresOf = async () =>
    (
      await postgres.query(
        `SELECT failures, retry_at > now() AS "isPutOff" FROM campaign WHERE name = 'broken'`,
      )
    )[0];
  const run = async () => {
    await postgres.query(`UPDATE campaign SET retry_at = now()`);
    await server.get(FreezingWorker).runOnce();
  };
  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    await audience('all');
    await phone('ada');
    await schedule('broken');
    await schedule('well');
    await takesTooLong();
  });

  test('holds up no other one, and goes on by itself once it can', async () => {
    await run();
    expect(await failuresOf()).toEqual({ failures: 1, isPutOff: true });
    expect(await becameOf('well')).toEqual({ ada: 'pending' });
    expect((await postgres.query(`SELECT frozen_at FROM campaign WHERE name = 'well'`))[0]).toEqual({
      frozen_at: expect.any(Date),
    });
    await server.get(FreezingWorker).runOnce();
    expect(await failuresOf()).toMatchObject({ failures: 1 });
    await isMended();
    await run();
    expect(await failuresOf()).toEqual({ failures: 0, isPutOff: null });
    expect(await becameOf('broken')).toEqual({ ada: 'pending' });
  });

  test('is paused after several failures in a row, and says why', async () => {
    for (let failure = 0; failure < 8; failure += 1) {
      expect(await stateOf('broken')).not.toBe('paused');
      await run();
    }
    expect(await endOf('broken')).toEqual({
      state: 'paused',
      problem: expect.stringContaining('8 times'),
      audited: 'campaign.halt',
    });
  });
});

test('a small campaign beside a large one is through before it', async () => {
  const crowd = async (name: string, size: number) => {
    await audience(name, null);
    await postgres.query(
      `INSERT INTO audience_member (audience, user_id, bucket) SELECT $1, $1 || n, bucket_of($1 || n) FROM generate_series(1, $2::int) n`,
      [name, size],
    );
    await schedule(name, campaign({ audiences: [name] }));
  };
  await crowd('large', 1_000);
  await crowd('small', 50);
  await freeze();
  // The budget of a second is two slices.
  await server.get(CampaignWorker).runOnce();
  expect(await stateOf('small')).toBe('done');
  expect(await stateOf('large')).toBe('running');
});

test('a campaign that stands still is reported, and one that waits for people', async () => {
  const read = async () => {
    const { campaignIdle, stoppedCampaigns } = await server.get(OverviewStore).readOldest([]);
    return { idle: campaignIdle, stopped: stoppedCampaigns };
  };
  const standStill = (column: string, table: string) =>
    postgres.query(`UPDATE ${table} SET ${column} = now() - interval '1 hour'`);
  const hour = expect.closeTo(3_600, -2);
  await audience('all');
  await phone('ada');
  expect(await read()).toEqual({ idle: null, stopped: 0 });
  await schedule('advent', campaign(), { startsAt: new Date(Date.now() - 3_600_000).toISOString() });
  expect(await read()).toEqual({ idle: hour, stopped: 0 });
  await start();
  expect(await read()).toEqual({ idle: expect.closeTo(0, -2), stopped: 0 });
  await standStill('advanced_at', 'campaign_progress');
  await standStill('updated_at', 'campaign');
  expect(await read()).toEqual({ idle: hour, stopped: 0 });
  await freeze();
  await postgres.query(`UPDATE campaign_member SET due_at = now()`);
  expect(await read()).toEqual({ idle: expect.closeTo(0, -2), stopped: 0 });
  await standStill('due_at', 'campaign_member');
  expect(await read()).toEqual({ idle: hour, stopped: 0 });
  await send();
  expect(await read()).toEqual({ idle: null, stopped: 0 });
  await postgres.query(`UPDATE campaign SET state = 'paused', problem = 'There is no list staff any more.'`);
  expect(await read()).toEqual({ idle: null, stopped: 1 });
});
