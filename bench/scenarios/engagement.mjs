/*
 * Engagement over a year of a hundred million events: what 20 clients wait for that ask at once, for windows of 7 days, 30 days and a year, while
 * events come in; each question for the first time, and then as dashboards ask, again and again. The roll-ups are as many as such a year leaves
 * (17 campaigns at a time, five teams, 30 countries …); of the events themselves there are `--events`. Before that: how many events a second are
 * taken and counted. Run only when named.
 */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { newInstallation } from '../installation.mjs';
import { ADMIN_KEY, preferUs, startUsher } from '../servers.mjs';

const CLIENTS = 20;
const BAR_MS = 50;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const A_YEAR_OF_EVENTS = 100e6;
const KINDS = ['delivered', 'opened', 'tapped', 'dismissed', 'converted', 'unsubscribed'];
const GROUPS = [undefined, 'kind', 'campaign', 'channel', 'platform', 'country', 'template'];
const WINDOWS = [
  { name: '7 days by the hour', days: 7, interval: 'hour' },
  { name: '30 days by the day', days: 30, interval: 'day' },
  { name: '30 days by the hour', days: 30, interval: 'hour' },
  { name: 'a year by the day', days: 364, interval: 'day' },
  { name: 'a year by the week', days: 364, interval: 'week' },
];

export async function engagement({ environment, options, ...context }) {
  const { events, seconds } = options;
  const databaseUrl = await newInstallation(environment.DATABASE_URL, 'engagement');
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const rows = [];
  const fillMs = await timed(() => fill(client, events));
  const [{ count, bytes }] = await sizes(client);
  rows.push({
    what: `rows of roll-ups (filled with ${events} events in ${(fillMs / 1_000).toFixed(0)} s)`,
    usher: count,
  });
  rows.push({ what: 'MiB of roll-ups with indexes', usher: bytes / 2 ** 20 });
  const usher = await startUsher({
    ...context,
    environment: { ...environment, DATABASE_URL: databaseUrl },
    settings: { ENGAGEMENT_RETENTION_DAYS: '30' },
  });
  const ask = asker(usher.port);
  preferUs();
  rows.push(...(await recorded(ask, client, seconds)));
  const trickle = startTrickle(ask);
  rows.push(...(await asked(ask, 'for the first time', distinctQuestions(), seconds)));
  rows.push(...(await asked(ask, 'as dashboards do', dashboards(), 5 * seconds)));
  await trickle.stop();
  rows.push({ what: '% answered from memory, all questions', usher: await hitRate(usher.port) });
  await usher.stop();
  await client.end();
  return rows;
}

const timed = async (work) => {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
};

/** $1: events. Numbers of things follow from it, so that a glance has few. */
async function fill(client, events) {
  const share = Math.min(1, events / 5e6);
  const many = (most) => Math.max(2, Math.round(most * share));
  await client.query('SET synchronous_commit = off');
  await client.query(
    `INSERT INTO engagement_event (day, user_id, id, kind, at, team, campaign, channel, platform, country, bucket)
     SELECT t.at::date, 'u' || n % 500000, n::text, ($2::text[])[1 + n % 6], t.at, 't' || n % 5, 'c' || n % 200, 'push', 'ios', 'DE', 0
     FROM generate_series(1, $1::bigint) AS n
     CROSS JOIN LATERAL (SELECT now() - (n % 604800) * interval '1 second' AS at) t`,
    [events, KINDS],
  );
  await client.query(
    `UPDATE engagement_watermark SET seq = (SELECT last_value FROM engagement_event_seq), at = now() WHERE name = 'rollups'`,
  );
  await client.query('ALTER TABLE engagement_rollup DROP CONSTRAINT engagement_rollup_pkey');
  for (const { grain, dimensions, days } of [
    { grain: 'day', dimensions: 'true', days: 365 },
    { grain: 'hour', dimensions: `d.dimension = 'all'`, days: 365 },
    { grain: 'hour', dimensions: `d.dimension <> 'all'`, days: many(62) },
    { grain: 'minute', dimensions: `d.dimension = 'all'`, days: many(14) },
  ])
    await client.query(rollupsOf(grain, dimensions), [days, many(17), KINDS, many(30), many(20)]);
  await client.query(
    `ALTER TABLE engagement_rollup ADD CONSTRAINT engagement_rollup_pkey PRIMARY KEY (grain, team, campaign, dimension, kind, at, value)`,
  );
  await client.query('VACUUM ANALYZE engagement_rollup');
  await client.query('ANALYZE engagement_event');
}

/** $1 days · $2 campaigns at a time, each for a month · $3 kinds · $4 countries · $5 templates */
const rollupsOf = (grain, condition) => `
  INSERT INTO engagement_rollup (grain, team, campaign, dimension, at, kind, value, people, machines, version)
  SELECT '${grain}', s.team, s.campaign, d.dimension, t.at, k, d.value, 1 + (extract(epoch FROM t.at)::bigint % 97), 0, 1
  FROM generate_series(date_trunc('${grain}', now(), 'UTC') - $1::int * interval '1 day', date_trunc('${grain}', now(), 'UTC') - interval '1 ${grain}',
    interval '1 ${grain}') AS t (at)
  CROSS JOIN LATERAL (SELECT (extract(epoch FROM t.at) / 86400)::int / 2 % 200 AS first) f
  CROSS JOIN LATERAL (
    SELECT '*' AS team, '*' AS campaign UNION ALL SELECT 't' || n, '*' FROM generate_series(0, 4) n
    UNION ALL SELECT team, 'c' || c FROM generate_series(f.first, f.first + $2::int - 1) c, LATERAL (VALUES ('*'), ('t' || c % 5)) v (team)
  ) s
  CROSS JOIN LATERAL (
    SELECT 'all' AS dimension, '' AS value
    UNION ALL SELECT 'campaign', 'c' || c FROM generate_series(f.first, f.first + $2::int - 1) c
      WHERE s.campaign = '*' AND (s.team = '*' OR s.team = 't' || c % 5)
    UNION ALL SELECT 'channel', v FROM unnest(ARRAY['push', 'email', 'sms', 'app']) v
    UNION ALL SELECT 'platform', v FROM unnest(ARRAY['ios', 'android', 'web', 'tv', 'other']) v
    UNION ALL SELECT 'country', 'C' || n FROM generate_series(1, $4::int) n
    UNION ALL SELECT 'template', 'template ' || n FROM generate_series(1, $5::int) n
  ) d
  CROSS JOIN unnest($3::text[]${grain === 'minute' ? '' : ` || '*'::text`}) k
  WHERE ${condition}`;

const sizes = async (client) =>
  (
    await client.query(
      `SELECT count(*)::float8 AS count, pg_total_relation_size('engagement_rollup')::float8 AS bytes FROM engagement_rollup`,
    )
  ).rows;

/** A connection of each client. `fetch` takes this process a millisecond a call, and 20 clients would wait for each other instead of for the server. */
const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS + 10 });

/** Calls the server; throws for a response that is none of 200. */
const asker = (port) => async (method, path, body) => {
  const call = request({
    port,
    path,
    method,
    agent,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
  });
  call.end(body && JSON.stringify(body));
  const [response] = await once(call, 'response');
  const chunks = [];
  response.on('data', (chunk) => chunks.push(chunk));
  await once(response, 'end');
  const text = () => Buffer.concat(chunks).toString();
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode} ${text()}`);
  // What a client makes of an answer is not the server's.
  return method === 'GET' ? undefined : JSON.parse(text());
};

let ids = 0;
const newEvents = (count) =>
  Array.from({ length: count }, () => {
    ids += 1;
    return {
      id: `bench ${ids}`,
      userId: `u${ids % 500_000}`,
      kind: KINDS[ids % KINDS.length],
      at: new Date(Date.now() - (ids % 3_600) * 1_000).toISOString(),
      team: `t${ids % 5}`,
      campaign: `c${ids % 17}`,
      channel: 'push',
      platform: ['ios', 'android', 'web', 'tv'][ids % 4],
      country: ['DE', 'FR', 'IT', 'ES', 'PL'][ids % 5],
    };
  });

/** Batches of 1,000 by four callers; then how long it takes until the last one is counted. */
async function recorded(ask, client, seconds) {
  const until = Date.now() + seconds * 1_000;
  let stored = 0;
  const caller = async () => {
    while (Date.now() < until)
      stored += (await ask('POST', '/v1/engagement', { events: newEvents(1_000) })).new;
  };
  const tookMs = await timed(() => Promise.all(Array.from({ length: 4 }, caller)));
  const { rows } = await client.query('SELECT last_value AS seq FROM engagement_event_seq');
  const behindMs = await timed(async () => {
    for (;;) {
      const { rows: found } = await client.query(
        `SELECT seq >= $1 AS done FROM engagement_watermark WHERE name = 'rollups'`,
        [rows[0].seq],
      );
      if (found[0].done) return;
      await pause(100);
    }
  });
  return [
    { what: 'events recorded a second, in batches of 1,000', usher: stored / (tookMs / 1_000) },
    { what: 'events counted a second (recorded meanwhile)', usher: stored / ((tookMs + behindMs) / 1_000) },
  ];
}

/** 200 events a second, some of them days late, so that the roll-ups change all the time. */
function startTrickle(ask) {
  let isStopped = false;
  const running = (async () => {
    while (!isStopped) {
      await ask('POST', '/v1/engagement', { events: newEvents(50) });
      await pause(250);
    }
  })();
  return {
    stop: () => {
      isStopped = true;
      return running;
    },
  };
}

const pathOf = ({ days, interval }, filter) => {
  const from = new Date(Date.now() - days * DAY_MS).toISOString();
  const given = Object.entries({ from, interval, ...filter }).filter(([, value]) => value !== undefined);
  return `/v1/analytics/engagement?${new URLSearchParams(given)}`;
};

/** Of each window every grouping, of everything, of a team and of campaigns: each once. */
function* distinctQuestions() {
  const filters = [
    {},
    { team: 't1' },
    { kind: 'opened' },
    ...Array.from({ length: 12 }, (_, n) => ({ campaign: `c${100 + n}` })),
  ];
  for (const filter of filters)
    for (const groupBy of GROUPS)
      for (const window of WINDOWS) yield { window, path: () => pathOf(window, { ...filter, groupBy }) };
}

/** What people look at: their team or a campaign, by kind mostly, again and again. */
function* dashboards() {
  const filters = [
    {},
    { team: 't1' },
    { team: 't2' },
    { campaign: 'c101' },
    { campaign: 'c102' },
    { campaign: 'c103' },
  ];
  const groups = ['kind', 'kind', 'platform', 'campaign', undefined];
  for (let n = 0; ; n += 1) {
    const window = WINDOWS[n % WINDOWS.length];
    const filter = filters[Math.floor(Math.random() * filters.length)];
    const groupBy = groups[Math.floor(Math.random() * groups.length)];
    yield { window, path: () => pathOf(window, { ...filter, groupBy }) };
  }
}

/** Asks until the questions or the time are over, each client again as soon as it has its answer. Returns a row for each window. */
async function asked(ask, how, questions, seconds) {
  const until = Date.now() + seconds * 1_000;
  const took = new Map(WINDOWS.map(({ name }) => [name, []]));
  const clientOf = async () => {
    while (Date.now() < until) {
      const { value: question, done } = questions.next();
      if (done) return;
      took.get(question.window.name).push(await timed(() => ask('GET', question.path())));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, clientOf));
  return [...took].flatMap(([name, all]) => {
    const sorted = all.toSorted((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
    const what = `${name}, ${how}, ${CLIENTS} clients (${all.length} answers, a year of ${A_YEAR_OF_EVENTS / 1e6} M)`;
    return [
      { what: `p50 ms: ${what}`, usher: at(0.5) },
      { what: `p99 ms: ${what}`, usher: at(0.99), bar: `< ${BAR_MS}`, holds: at(0.99) < BAR_MS },
    ];
  });
}

async function hitRate(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const values = new Map();
  for (const [, result, value] of text.matchAll(
    /^usher_analytics_cache_total\{[^}]*result="(\w+)"[^}]*\} (\d+)$/gm,
  ))
    values.set(result, (values.get(result) ?? 0) + Number(value));
  const [hit = 0, stale = 0, shared = 0, miss = 0] = ['hit', 'stale', 'shared', 'miss'].map((name) =>
    values.get(name),
  );
  return (100 * (hit + stale + shared)) / Math.max(1, hit + stale + shared + miss);
}
