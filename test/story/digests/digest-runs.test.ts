import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DigestDefinition } from '../../../src/digests/definitions/digest-definition.js';
import { ClockService } from '../../../src/digests/clock.service.js';
import { DefinitionStore } from '../../../src/digests/definitions/definition.store.js';
import { DigestPlanStore } from '../../../src/digests/planning/digest-plan.store.js';
import { PlanningService } from '../../../src/digests/planning/planning.service.js';
import { DigestRunStore, MOST_COUNTED } from '../../../src/digests/runs/digest-run.store.js';
import { DigestPublisherService } from '../../../src/digests/runs/digest-publisher.service.js';
import { DigestRunsService } from '../../../src/digests/runs/digest-runs.service.js';
import { MailboxFragments } from '../../../src/mailbox/mailbox.fragments.js';
import { MailboxService } from '../../../src/mailbox/mailbox.service.js';
import { EventMessagesService } from '../../../src/messages/event-messages.service.js';
import { MessageStore } from '../../../src/messages/queue/message.store.js';
import { MailboxStore } from '../../../src/mailbox/mailbox.store.js';
import { EventBusService } from '../../../src/platform/events/event-bus.service.js';
import type { IdempotencyStore } from '../../../src/platform/http/idempotency/idempotency.store.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { knownStatements } from '../../../src/platform/postgres/statement.js';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import { TemplateCatalogService } from '../../../src/templates/catalog/template-catalog.service.js';
import { TemplateStore } from '../../../src/templates/catalog/template.store.js';
import { testConfig } from '../../support/config.js';
import { eventually } from '../../support/eventually.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';
import { DyingDatabase } from '../../support/infrastructure/dying-database.js';

/** Digests in process on a real PostgreSQL, with a clock of ours: a week must not take a week. */
let postgres: TestDatabase;
let database: Database;
let mailbox: MailboxService;
let definitions: DefinitionStore;

class OurClock extends ClockService {
  time = new Date('2026-11-20T12:00:00Z');
  override now(): Date {
    return this.time;
  }
}
const clock = new OurClock();

let dying: DyingDatabase;

/** A worker of its own; workers share nothing but the database. */
function worker(its: Database = database) {
  const config = testConfig({ DATABASE_URL: postgres.url, DIGEST_WINDOW_MINUTES: '30' });
  const fragments = new MailboxFragments([]);
  const own = new MailboxService(
    new MailboxStore(its, fragments),
    new EventBusService(),
    its,
    {} as IdempotencyStore,
  );
  const plans = new DigestPlanStore(its);
  const planning = new PlanningService(plans, its, clock, config);
  const store = new DigestRunStore(its, fragments);
  const templates = new TemplateCatalogService(new TemplateStore(its), new MetricsService());
  const messages = new EventMessagesService(new MessageStore(its, fragments), new EventBusService());
  const publisher = new DigestPublisherService(own, templates, store, messages);
  const runs = new DigestRunsService(plans, store, planning, publisher, its, clock);
  return {
    async plan() {
      // It waits for transactions that may not have seen the change, also those of other tests' databases on the same server.
      await eventually('changed digests are walked', async () => {
        for (const { name } of await planning.listChanged()) while (await planning.walk(name, 500));
        const changed = 'SELECT FROM digest_definition WHERE walked_to IS NOT NULL OR is_removed';
        return (await postgres.query(changed)).length === 0;
      });
      for (const digest of await planning.listUnplanned()) while (await planning.plan(digest, 500));
    },
    async run(limit = 100) {
      for (const digest of await plans.listDue(clock.now()))
        while ((await runs.runDue(digest, limit)).claimed > 0);
    },
  };
}

beforeAll(async () => {
  postgres = await createDatabase();
  const config = testConfig({ DATABASE_URL: postgres.url });
  database = new Database(config);
  dying = new DyingDatabase(config);
  definitions = new DefinitionStore(database);
  const store = new MailboxStore(database, new MailboxFragments([]));
  mailbox = new MailboxService(store, new EventBusService(), database, {} as IdempotencyStore);
});
afterAll(async () => {
  await database.onApplicationShutdown();
  await dying.onApplicationShutdown();
  await postgres.drop();
});
beforeEach(async () => {
  await postgres.query('TRUNCATE digest_definition, digest_plan, digest_run');
});

let users = 0;
const newUser = (name = 'user') => `${name}-${(users += 1)}`;
const EVENING: DigestDefinition = {
  types: [],
  categories: ['promo'],
  cadence: 'daily',
  at: '17:00',
  maxItems: 3,
  order: 'newest',
  group: 'none',
  optIn: true,
};
const define = (changes: Partial<DigestDefinition> = {}, name = 'evening') =>
  database.transaction('important', (tx) => definitions.save(tx, name, { ...EVENING, ...changes }));
const choose = (userId: string, delivery = 'digest') =>
  postgres.query(
    `INSERT INTO preference (user_id, body, bucket) VALUES ($1, $2, bucket_of($1))
     ON CONFLICT (user_id, bucket) DO UPDATE SET body = excluded.body`,
    [userId, JSON.stringify({ categories: { promo: { delivery } } })],
  );
const moveTo = (userId: string, timezone: string) =>
  postgres.query(
    `INSERT INTO device (user_id, device_id, platform, timezone, bucket) VALUES ($1, 'phone', 'ios', $2, bucket_of($1))
     ON CONFLICT (user_id, device_id, bucket) DO UPDATE SET timezone = excluded.timezone`,
    [userId, timezone],
  );
const publish = (userId: string, titles: readonly string[], type = 'promo.started') =>
  mailbox.publish(
    titles.map((title) => ({ userId, type, tier: 'important' as const, key: title, data: { title } })),
  );
const runsOf = (userId: string) =>
  postgres.query<{ local_date: string; state: string; events: number; reason: string | null }>(
    'SELECT local_date, state, events, reason FROM digest_run WHERE user_id = $1 ORDER BY local_date',
    [userId],
  );
const datesOf = async (userId: string) => (await runsOf(userId)).map(({ local_date }) => local_date);
const digestIn = async (userId: string) =>
  (
    await postgres.query<{ data: Record<string, unknown>; offset: number }>(
      `SELECT data, "offset"::int FROM mailbox_entry WHERE user_id = $1 AND type = 'digest.ready'`,
      [userId],
    )
  )[0];
/** How many statements wait for a lock. */
const lockWaits = async () =>
  (
    await postgres.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
  ).length;
const at = (time: string) => void (clock.time = new Date(time));

describe('a digest', () => {
  test('shows what happened since the last one, when it is due and not before, and once', async () => {
    at('2026-11-20T12:00:00Z');
    const userId = newUser();
    await publish(userId, ['before it was chosen']);
    await define();
    await choose(userId);
    await worker().plan();
    await publish(userId, ['one', 'two', 'three', 'four', 'one']);
    await publish(userId, ['not of this digest'], 'social.liked');
    at('2026-11-20T16:59:59Z');
    await worker().run();
    expect(await digestIn(userId)).toBeUndefined();
    at('2026-11-20T17:30:00Z');
    await worker().run();
    await worker().run();
    const digest = await digestIn(userId);
    expect(digest?.data).toMatchObject({
      digest: 'evening',
      localDate: '2026-11-20',
      count: 4,
      isCounted: true,
      title: '4 new for you',
      items: [{ title: 'one', key: 'one', type: 'promo.started' }, { title: 'four' }, { title: 'three' }],
    });
    expect(await runsOf(userId)).toEqual([
      { local_date: '2026-11-20', state: 'handed_off', events: 4, reason: null },
    ]);
    at('2026-11-21T17:30:00Z');
    await worker().run();
    expect((await digestIn(userId))?.offset).toBe(digest?.offset);
    expect((await runsOf(userId))[1]).toEqual({
      local_date: '2026-11-21',
      state: 'empty',
      events: 0,
      reason: null,
    });
  });

  test('comes once although its worker is killed at any statement, or at the commit', async () => {
    at('2026-11-20T12:00:00Z');
    await define();
    const userId = newUser();
    await choose(userId);
    await worker().plan();
    await publish(userId, ['one']);
    at('2026-11-20T17:30:00Z');
    const died: (number | 'commit')[] = [];
    const made: unknown[] = [];
    for (const dyingAt of [1, 2, 3, 4, 5, 'commit', undefined] as const) {
      dying.dyingAt = dyingAt;
      await worker(dying)
        .run()
        .catch(() => died.push(dyingAt ?? 0));
      made.push([(await datesOf(userId)).join(), (await digestIn(userId))?.data['count']]);
    }
    expect(made.slice(0, -1)).toEqual(Array.from({ length: 6 }, () => ['', undefined]));
    expect(made.at(-1)).toEqual(['2026-11-20', 1]);
    expect(died).toEqual([1, 2, 3, 4, 5, 'commit']);
    await worker().run();
    const handoffs = await postgres.query(
      `SELECT consumer FROM handoff WHERE positions::text LIKE '%"' || $1 || '",2]%'`,
      [userId],
    );
    expect(handoffs).toHaveLength(2); // one to deliver it, one to push it
  });

  test('is made by one of several workers that are at it together', async () => {
    at('2026-11-20T12:00:00Z');
    await define({ optIn: false });
    const together = Array.from({ length: 60 }, () => newUser('crowd'));
    await Promise.all(together.map((userId) => publish(userId, ['one'])));
    await worker().plan();
    at('2026-11-20T17:30:00Z');
    await Promise.all(Array.from({ length: 4 }, () => worker().run(7)));
    const rows = await postgres.query<{ count: string }>(
      `SELECT count(*) FROM digest_run WHERE user_id LIKE 'crowd-%' AND state = 'handed_off'`,
    );
    const heads = await postgres.query<{ last_offset: string }>(
      `SELECT DISTINCT last_offset FROM mailbox WHERE user_id = ANY ($1)`,
      [together],
    );
    expect(rows).toEqual([{ count: '60' }]);
    expect(heads).toEqual([{ last_offset: '2' }]); // the event and the digest, no second one
  });

  test('goes by the user’s time zone as of now, and moves with it', async () => {
    at('2026-11-20T12:00:00Z');
    await define();
    const userId = newUser();
    await moveTo(userId, 'Asia/Tokyo');
    await choose(userId);
    await worker().plan();
    at('2026-11-21T07:59:00Z');
    await worker().run();
    expect(await datesOf(userId)).toEqual([]); // chosen at nine in the evening, after that of the 20th
    await moveTo(userId, 'America/Los_Angeles');
    await worker().plan();
    at('2026-11-21T09:00:00Z');
    await worker().run();
    expect(await datesOf(userId)).toEqual([]);
    await moveTo(userId, 'Asia/Tokyo');
    await worker().plan();
    await worker().run();
    await worker().run();
    expect(await datesOf(userId)).toEqual(['2026-11-21']);
  });

  test('is not made by the zone of a device that is no longer the one that was seen last, nor twice when its plan is wrong', async () => {
    at('2026-11-20T12:00:00Z');
    await define();
    const userId = newUser();
    await moveTo(userId, 'UTC');
    await choose(userId);
    await worker().plan();
    await publish(userId, ['one']);
    // No registration, and so no trigger, says that the other phone is in use now.
    await postgres.query(
      `INSERT INTO device (user_id, device_id, platform, timezone, last_seen_at, bucket)
       VALUES ($1, 'other', 'ios', 'America/Los_Angeles', now() + interval '1 minute', bucket_of($1))`,
      [userId],
    );
    await postgres.query(`UPDATE digest_plan SET next_run_at = '2026-11-20T17:10:00Z' WHERE user_id = $1`, [
      userId,
    ]);
    at('2026-11-20T17:30:00Z');
    await worker().run();
    expect(await datesOf(userId)).toEqual([]);
    at('2026-11-21T01:30:00Z');
    await worker().run();
    const first = await digestIn(userId);
    expect(first?.data).toMatchObject({ localDate: '2026-11-20' });
    await publish(userId, ['two']);
    await postgres.query(
      `UPDATE digest_plan SET next_run_at = $2, last_date = '2026-11-19' WHERE user_id = $1`,
      [userId, clock.time],
    );
    await worker().run();
    expect(await digestIn(userId)).toEqual(first);
  });

  test('whose time is changed reaches all its users, and a date that had it gets no other one', async () => {
    at('2026-11-20T12:00:00Z');
    await define();
    const userId = newUser();
    await choose(userId);
    await worker().plan();
    at('2026-11-20T16:59:00Z');
    await define({ at: '18:00' });
    await worker().plan();
    at('2026-11-20T17:45:00Z');
    await worker().run();
    expect(await datesOf(userId)).toEqual([]);
    at('2026-11-20T18:30:00Z');
    await worker().run();
    await define({ at: '19:00' });
    await worker().plan();
    at('2026-11-20T23:00:00Z');
    await worker().run();
    expect(await datesOf(userId)).toEqual(['2026-11-20']);
  });

  test('ends for a user who no longer chooses it, begins again when it is chosen, and says so', async () => {
    at('2026-11-20T12:00:00Z');
    await define();
    const userId = newUser();
    await choose(userId);
    await worker().plan();
    await choose(userId, 'immediate');
    at('2026-11-20T17:30:00Z');
    await worker().run();
    expect(await runsOf(userId)).toEqual([
      { local_date: '2026-11-20', state: 'skipped', events: 0, reason: 'preference' },
    ]);
    await choose(userId);
    await worker().plan();
    at('2026-11-21T17:30:00Z');
    await worker().run();
    expect(await datesOf(userId)).toEqual(['2026-11-20', '2026-11-21']);
  });

  test('goes on for a user who chooses it again while it is due', async () => {
    at('2026-11-20T12:00:00Z');
    await define();
    const userId = newUser();
    await choose(userId);
    await worker().plan();
    await choose(userId, 'off');
    await worker().plan();
    at('2026-11-20T17:30:00Z');
    // The worker has read that it is not wanted, and cannot write yet what follows.
    const release = await postgres.holdTransaction('LOCK TABLE digest_run IN EXCLUSIVE MODE');
    const run = worker().run();
    await eventually('the worker has claimed it', async () => (await lockWaits()) === 1);
    let isChosen = false;
    const chosen = choose(userId).then(() => void (isChosen = true));
    await eventually('the choice is made, or waits', async () => isChosen || (await lockWaits()) === 2);
    await release();
    await Promise.all([run, chosen]);
    await worker().plan();
    at('2026-11-21T17:30:00Z');
    await worker().run();
    expect((await runsOf(userId)).map(({ local_date, state }) => [local_date, state])).toEqual([
      ['2026-11-20', 'skipped'],
      ['2026-11-21', 'empty'],
    ]);
  });

  test('keeps its plan when other preferences change, unless it is due: then a claim that saw those of before must not end it', async () => {
    at('2126-11-20T12:00:00Z');
    await define();
    const userId = newUser();
    await choose(userId);
    await worker().plan();
    const plan = async () =>
      (
        await postgres.query<{ version: string; due: string }>(
          'SELECT xmin AS version, next_run_at::text AS due FROM digest_plan WHERE user_id = $1',
          [userId],
        )
      )[0];
    const before = await plan();
    await choose(userId);
    expect(await plan()).toEqual(before);
    await postgres.query('UPDATE digest_plan SET next_run_at = now() WHERE user_id = $1', [userId]);
    await choose(userId);
    expect((await plan())?.due).toBe('-infinity');
    await worker().plan();
    expect((await plan())?.due).toBe(before?.due);
  });

  test('for everyone reaches users of before and after it was defined, but those who want nothing of it; it ends with its definition', async () => {
    at('2026-11-20T12:00:00Z');
    const [before, after, other] = [newUser(), newUser(), newUser()];
    await publish(before, ['one']);
    await define({ optIn: false });
    await worker().plan();
    await publish(after, ['two']);
    await publish(before, ['three']);
    await publish(other, ['four']);
    await choose(other, 'off');
    await worker().plan();
    at('2026-11-20T17:30:00Z');
    await worker().run();
    expect((await runsOf(before))[0]).toMatchObject({ state: 'handed_off', events: 1 });
    expect((await runsOf(after))[0]).toMatchObject({ state: 'handed_off', events: 1 });
    expect((await runsOf(other))[0]).toMatchObject({ state: 'skipped', reason: 'preference' });
    await database.transaction('important', (tx) => definitions.remove(tx, 'evening'));
    await worker().plan();
    expect(await postgres.query('SELECT FROM digest_plan')).toEqual([]);
    expect(await postgres.query('SELECT FROM digest_definition')).toEqual([]);
  });
});

test('each local date of users in every zone has one digest, with workers killed all the time', async () => {
  at('2026-10-30T00:00:00Z');
  await define({ optIn: false });
  const zones = Intl.supportedValuesOf('timeZone');
  await postgres.query('TRUNCATE mailbox CASCADE');
  await postgres.query(
    `INSERT INTO mailbox (user_id, epoch, last_offset, generation_ends, bucket)
     SELECT 'in ' || zone, 'epoch', 0, '{}', bucket_of('in ' || zone) FROM unnest($1::text[]) AS z (zone)`,
    [zones],
  );
  await postgres.query(
    `INSERT INTO device (user_id, device_id, platform, timezone, bucket)
     SELECT 'in ' || zone, 'phone', 'ios', zone, bucket_of('in ' || zone) FROM unnest($1::text[]) AS z (zone)`,
    [zones],
  );
  await worker().plan();
  for (let hour = 0; hour < 24 * 3; hour += 1) {
    clock.time = new Date(clock.time.getTime() + 3_600_000);
    dying.dyingAt = ([2, 3, 4, 'commit'] as const)[hour % 4];
    await worker(dying)
      .run(20)
      .catch(() => undefined);
    await worker().run(50);
  }
  const wrong = await postgres.query(
    `SELECT user_id, count(*)::int, min(local_date), max(local_date) FROM digest_run GROUP BY user_id
     HAVING count(*) < 2 OR count(*) <> max(local_date)::date - min(local_date)::date + 1`,
  );
  expect(await postgres.query('SELECT FROM digest_plan WHERE next_run_at <= $1', [clock.time])).toEqual([]);
  expect(wrong).toEqual([]);
  expect(await postgres.query('SELECT count(DISTINCT user_id)::int AS users FROM digest_run')).toEqual([
    { users: zones.length },
  ]);
}, 60_000);

test('an account with 50,000 events costs no more than one with as many as are read', async () => {
  const counts = { small: 200, full: MOST_COUNTED, huge: 50_000 };
  for (const [userId, count] of Object.entries(counts))
    await postgres.query(
      `INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, data, at, bucket)
       SELECT $1, 'key ' || n, n, gen_random_uuid(), 'promo.started', 'important', '{"title":"one"}', now(), bucket_of($1)
       FROM generate_series(1, $2::int) AS n`,
      [userId, count],
    );
  await postgres.query(
    `INSERT INTO mailbox (user_id, epoch, last_offset, generation_ends, bucket)
     SELECT u, 'epoch', 50000, '{}', bucket_of(u) FROM unnest($1::text[]) AS t (u)`,
    [Object.keys(counts)],
  );
  await postgres.query('VACUUM (ANALYZE) mailbox_entry');
  const preview = knownStatements().find(({ name }) => name.startsWith('preview-digest-newest:'));
  const buffersOf = async (userId: string) => {
    const [row] = await postgres.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${preview?.text}`,
      [userId, 'none', new Date(), 20, JSON.stringify({ types: [], categories: ['promo'] })],
    );
    const plan = row?.['QUERY PLAN'][0].Plan ?? {};
    return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
  };
  const [small, full, huge] = [await buffersOf('small'), await buffersOf('full'), await buffersOf('huge')];
  expect(small).toBeLessThan(full);
  expect(huge).toBeLessThan(1.2 * full + 20);
});
