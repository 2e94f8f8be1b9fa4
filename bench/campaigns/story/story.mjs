/*
 * The story of a campaign from its audiences to the warehouse. People who are in three audiences, some of them twice; a PostgreSQL whose changes are captured;
 * pretend providers; workers that are killed with SIGKILL again and again while members are found, told, counted and captured; a pause and a resumption; people who
 * open, tap, answer and buy. At the end each place that tells what became of it is asked, and all must tell the same.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { campaignOn, CONTACT_KEY, writeCampaign } from '../advent.mjs';
import { NotInTime, startNode, until } from '../nodes.mjs';
import { Acts, GOAL } from './acts.mjs';
import * as counts from './counts.mjs';
import { addStoryPeople } from './people.mjs';
import { startProviders } from './providers.mjs';
import { readRows } from './raw-zone.mjs';
import { runWarehouse } from './warehouse.mjs';
import { DyingWorkers } from './workers.mjs';

const PUBLIC_URL = 'https://usher.example.com';
const DONE_WITHIN_MS = 2 * 3_600_000;
/** What is delivered is counted a minute later, by a worker that looks each ten seconds. */
const COUNTED_WITHIN_MS = 600_000;
const COUNTED_SOON_MS = 120_000;
/** A pause takes effect within a second; then nobody is queued for so long. */
const PAUSE_HOLDS_AFTER_MS = 1_000;
const PAUSED_MS = 3_000;
const PAUSED_AT = 0.4;

const TEMPLATE = {
  data: { type: 'object' },
  example: {},
  locales: {
    en: {
      push: { title: 'Advent', body: 'Two for one' },
      email: {
        subject: 'Advent',
        text: 'Two for one',
        html: '<p><a href="https://films.example.com/advent">Two for one</a></p>',
      },
    },
  },
};
const CAMPAIGN = { ...campaignOn(['push', 'email', 'app']), goal: { eventType: GOAL, withinHours: 72 } };

/**
 * Tells it, on an empty migrated database whose changes can be captured. `workers`: how many there are at a time, of which each is killed every `killEveryMs`, at
 * most `mostKills` times. `perSecond`: members. `isHurried`: what waits for a time that is not of this story is moved on (the lease of what a dead worker was
 * sending, the minute after which deliveries are counted); only with one worker. `hasWarehouse`: dbt runs at the end. Returns `{ rows, again, unwritten, doubled, sent, whilePaused, kills, records,
 * recordsTwice, seconds }`; `rows`: see compare.
 */
export async function tellStory(options) {
  const folder = mkdtempSync(join(tmpdir(), 'usher-story-'));
  const client = new pg.Pool({ connectionString: options.databaseUrl, max: 3 });
  client.on('error', () => {}); // of a connection that nobody uses
  const story = { ...options, folder, raw: join(folder, 'raw'), client, began: new Date(), stops: [] };
  try {
    return await tell(story);
  } finally {
    for (const stop of story.stops.toReversed()) await stop();
    await client.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function tell(story) {
  const { client, people, onStep = () => {} } = story;
  const expected = await addStoryPeople(client, people, CONTACT_KEY);
  const { api, acts, dying } = await start(story);
  const check = () => [acts, ...dying].forEach((one) => one.check());
  onStep('begins');
  await writeCampaign(api, TEMPLATE, CAMPAIGN);
  const whilePaused = await pauseAndResume(story, api, check);
  onStep('was paused and resumed');
  await until('everybody is told', () => isTold(client, check), DONE_WITHIN_MS);
  acts.openApps(people);
  await until('people have done what they do', () => (check(), acts.areDone), DONE_WITHIN_MS);
  onStep('is through');
  for (const one of dying) await one.spare();
  const seconds = (Date.now() - story.began) / 1_000;
  if (story.isHurried) await letMinutesPass(client);
  const unwritten = await countUnwritten(client, acts);
  const known = { ...expected, ...acts.counts };
  for (const channel of ['push', 'email']) known[`delivered: ${channel}`] -= unwritten[channel];
  known['delivered: of the template'] = ['push', 'email', 'app']
    .map((channel) => known[`delivered: ${channel}`])
    .reduce((all, one) => all + one, 0);
  const places = await settledPlaces(story, api, known);
  onStep('is counted');
  const raw = await readRows(story.raw, client);
  const tables = await counts.readTables(client);
  Object.assign(places, {
    tables: counts.ofRows(tables),
    'raw zone': counts.ofRows(raw.rows),
    events: counts.ofEvents(tables.engagement_event),
    'raw events': counts.ofEvents(raw.rows.engagement_event),
    ...(story.hasWarehouse && (await warehousePlaces(story))),
  });
  return {
    rows: counts.compare(places),
    again: acts.again,
    unwritten,
    doubled: acts.doubled + (await countTwiceTold(client)),
    sent: await countAttempts(client),
    whilePaused,
    kills: dying.flatMap(({ kills }) => kills),
    records: raw.records,
    recordsTwice: raw.twice,
    seconds,
  };
}

async function start(story) {
  const { databaseUrl, environment, folder, raw, client, seed, stops, workers, killEveryMs, mostKills } =
    story;
  const acts = new Acts({ client, seed, publicUrl: PUBLIC_URL });
  const providers = await startProviders(folder, {
    onPush: (push) => acts.onPush(push),
    onMail: (mail) => acts.onMail(mail),
  });
  stops.push(() => providers.close());
  const settings = {
    ...environment,
    ...providers.settings,
    PUBLIC_URL,
    CAMPAIGN_MEMBERS_PER_SECOND: String(story.perSecond),
    KEY_CALLS_PER_SECOND: '1000000',
    WAREHOUSE: 'on',
    WAREHOUSE_FOLDER: raw,
    WAREHOUSE_FILE_SECONDS: '1',
  };
  const api = await startNode(databaseUrl, 'api', settings);
  stops.push(() => api.stop());
  acts.api = api;
  const onKill = async () => story.isHurried && endLeases(client);
  const dying = Array.from({ length: workers }, (_, n) => {
    const of = { name: `worker ${n}`, everyMs: killEveryMs, mostKills, onKill };
    return new DyingWorkers({ databaseUrl, environment: settings, seed, ...of });
  });
  for (const [n, one] of dying.entries()) {
    stops.push(() => one.stop());
    // Not all at the same time.
    if (n > 0) await pause(killEveryMs / workers);
    await one.start();
  }
  return { api, acts, dying };
}

/** Returns how many members were queued while it was paused. */
async function pauseAndResume({ client, people }, api, check) {
  const isThere = async () => {
    check();
    return (await countQueued(client)) >= PAUSED_AT * people;
  };
  await until('a part of them is told', isThere, DONE_WITHIN_MS);
  await api.call('POST', '/v1/campaigns/advent/pause');
  await pause(PAUSE_HOLDS_AFTER_MS);
  const before = await countQueued(client);
  await pause(PAUSED_MS);
  const after = await countQueued(client);
  await api.call('POST', '/v1/campaigns/advent/resume');
  return after - before;
}

const one = async (client, text) => (await client.query(text)).rows[0];
const countQueued = async (client) =>
  (await one(client, `SELECT count(*)::int AS n FROM campaign_member WHERE state = 'queued'`)).n;

/** The campaign is done, and everything that came of it has ended. */
async function isTold(client, check) {
  check();
  const { left } = await one(
    client,
    `SELECT (SELECT count(*)::int FROM campaign WHERE state <> 'done') + (SELECT count(*)::int FROM handoff WHERE consumer = 'push')
       + (SELECT count(*)::int FROM push WHERE state IN ('queued', 'sent')) + (SELECT count(*)::int FROM message WHERE state IN ('queued', 'sending')) AS left`,
  );
  return left === 0;
}

/** What a worker was sending when it died is due at once. */
async function endLeases(client) {
  await client.query(`UPDATE push SET due_at = now() WHERE state = 'sent'`);
  await client.query(`UPDATE message SET due_at = now() WHERE state = 'sending'`);
}

/** Everything was some minutes earlier, and is looked for from then on. */
async function letMinutesPass(client) {
  const earlier = (table, ...columns) =>
    client.query(
      `UPDATE ${table} SET ${columns.map((one) => `${one} = ${one} - interval '3 minutes'`).join(', ')}`,
    );
  await earlier('push', 'settled_at');
  await earlier('message', 'sent_at', 'settled_at');
  await earlier('receipt', 'created_at');
  await earlier('campaign_member', 'converted_at');
  await client.query(
    `UPDATE engagement_watermark SET at = now() - interval '1 hour' WHERE name <> 'rollups'`,
  );
}

/** Waits until the campaign and the roll-ups tell the same as the people, or their time is up, and everything is captured. */
async function settledPlaces({ client, began, isHurried }, api, people) {
  const from = new Date(began.getTime() - 3_600_000).toISOString();
  const places = {};
  const isEqual = async () => {
    Object.assign(places, {
      people,
      campaign: await counts.ofCampaign(api),
      analytics: await counts.ofAnalytics(api, from),
    });
    return counts.compare(places).every((row) => row.isEqual);
  };
  await until('all is counted', isEqual, isHurried ? COUNTED_SOON_MS : COUNTED_WITHIN_MS).catch((error) => {
    // What does not become equal is in the table.
    if (!(error instanceof NotInTime)) throw error;
  });
  const { lsn } = await one(client, 'SELECT pg_current_wal_insert_lsn()::text AS lsn');
  const isCaptured = async () =>
    (
      await client.query(
        `SELECT FROM pg_replication_slots WHERE slot_name LIKE 'usher_warehouse%' AND database = current_database() AND confirmed_flush_lsn >= $1::pg_lsn`,
        [lsn],
      )
    ).rowCount > 0;
  await until('all is captured', isCaptured, COUNTED_WITHIN_MS);
  return places;
}

async function warehousePlaces({ databaseUrl, folder, raw }) {
  const file = join(folder, 'usher.duckdb');
  await runWarehouse({ databaseUrl, raw, file, home: folder });
  return { warehouse: await counts.ofWarehouse(file), fct_engagement: await counts.ofWarehouseEvents(file) };
}

/**
 * How many pushes and mails a provider has of which nobody wrote so: the worker died that had sent them, and when they were to be sent again they were not wanted any
 * more, since the person had answered the first one.
 */
async function countUnwritten(client, acts) {
  const { rows: pushes } = await client.query(
    `SELECT user_id AS "userId" FROM push WHERE type = 'campaign.message' AND state = 'withdrawn' AND reason = 'received'`,
  );
  const { rows: mails } = await client.query(
    `SELECT id AS "messageId" FROM message WHERE event_type = 'campaign.message' AND state = 'withdrawn' AND reason = 'opted_out'`,
  );
  const count = (rows) => rows.filter((row) => acts.hasReached(row)).length;
  return { push: count(pushes), email: count(mails) };
}

/** People who have two events of the campaign, or a push and a mail. */
async function countTwiceTold(client) {
  const { n } = await one(
    client,
    `SELECT (SELECT count(*)::int FROM mailbox_entry e WHERE e.type = 'campaign.message' AND NOT EXISTS (
         SELECT FROM campaign_member m WHERE m.user_id = e.user_id AND m.event_id = e.id))
       + (SELECT count(*)::int FROM past_event p WHERE p.type = 'campaign.message')
       + (SELECT count(*)::int FROM message x JOIN push p ON p.user_id = x.user_id AND p.event_id = x.event_id) AS n`,
  );
  return n;
}

/** How often mails and pushes were given to their providers, as far as Usher knows. */
const countAttempts = (client) =>
  one(
    client,
    `SELECT (SELECT coalesce(sum(attempts), 0)::int FROM message) AS email, (SELECT coalesce(sum(attempts), 0)::int FROM push) AS push`,
  );
