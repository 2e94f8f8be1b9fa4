/*
 * A week of digests in which workers die. Real processes (the development bundle, whose clock can be moved; NODE_ENV=development) make them
 * on a real PostgreSQL. An hour at a time the worker is told the time, and killed with SIGKILL at a statement chosen by chance, before
 * PostgreSQL has it or after; the next one makes what is left, and is killed in the hour after.
 *
 * What must come of it is counted without the code that plans digests: Intl says in which hours it is five in the afternoon where.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { freePort } from '../../tools/ports.mjs';
import { startServer, stopServer } from '../../tools/processes.mjs';
import { StatementProxy } from '../statement-proxy.mjs';
import { addUsers, defineEvening, publishToAll } from './users.mjs';

const HOUR_MS = 3_600_000;
/** In one transaction: digest.worker.ts. */
const SLICE = 100;
/** claim, collect, append, settle, COMMIT */
const STATEMENTS = 5;
const READY_WITHIN_MS = 30_000;
const POLL_MS = 25;
const bundle = fileURLToPath(new URL('../../dist/usher-demo.js', import.meta.url));

/**
 * The last Sunday of October of next year: Europe ends summer time on it, and North America a week later. It lies ahead, so that a worker
 * that does not know the time yet has nothing to do.
 */
export function nextAutumn(now = new Date()) {
  const last = new Date(Date.UTC(now.getUTCFullYear() + 1, 9, 31));
  return last.getTime() - last.getUTCDay() * 24 * HOUR_MS;
}

/**
 * Simulates the `steps` (hours after `begins` at which workers are told the time, ascending) for `users` in the `zones`, on an empty migrated
 * database. In those of `killedIn` the worker is killed. Each user gets `eventsEach` events whenever a day (UTC) begins. Returns
 * `{ expected, made, missing, doubled, unexpected, lost, empty, kills }`: local dates of users, and the statements at which workers died
 * with how many did. `empty`: digests of nothing. `lost`: offsets that no event has. `kills.none`: the worker was done before.
 */
export async function simulateWeek({
  databaseUrl,
  environment,
  users,
  zones = Intl.supportedValuesOf('timeZone'),
  begins = nextAutumn(),
  steps,
  killedIn = steps,
  eventsEach = 2,
  seed = 1,
  onStep = () => {},
}) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const proxy = await StatementProxy.start(databaseUrl, ['claim-due-digests']);
  const random = randomSequence(seed);
  const kills = {};
  let worker;
  let published = 0;
  let publishedTo = -1;
  try {
    await addUsers(client, users, zones);
    await client.query('VACUUM (ANALYZE)');
    worker = await startWorker(proxy.url, environment);
    await worker.tell(begins - 1);
    await defineEvening(client);
    await until('all are planned', () => isPlanned(client, users), 600_000);
    for (const step of steps) {
      for (; publishedTo < Math.floor((step - 1) / 24); publishedTo += 1)
        published += await publishToAll(client, eventsEach);
      // The last millisecond of the hour: no zone's minute of five is in two of them.
      const now = begins + step * HOUR_MS - 1;
      if (killedIn.includes(step)) {
        const died = await killAtRandom({ client, proxy, worker, now, random });
        kills[died] = (kills[died] ?? 0) + 1;
        worker = await startWorker(proxy.url, environment);
      }
      await worker.tell(now);
      await until('all that is due is made', async () => (await countDue(client, now)) === 0, 600_000);
      onStep(step);
    }
    await worker.stop();
    return { ...(await count(client, { begins, hours: steps.at(-1), zones, published })), kills };
  } finally {
    await worker?.stop();
    proxy.close();
    await client.end();
  }
}

/** Returns the statement at which it died, or `none`. It is dead afterwards. */
async function killAtRandom({ client, proxy, worker, now, random }) {
  const slices = Math.ceil((await countDue(client, now)) / SLICE);
  const nth = 1 + Math.floor(random() * Math.max(1, slices) * STATEMENTS);
  const died = proxy.killAt(nth, random() < 0.5 ? 'before' : 'after', () => worker.kill());
  await worker.tell(now).catch(() => undefined); // it may die before it answers
  const done = until(
    'it is done, or dead',
    async () => worker.isDead() || (await countDue(client, now)) === 0,
    600_000,
  );
  const statement = await Promise.race([died, done.then(() => undefined)]);
  proxy.disarm();
  worker.kill();
  await worker.ended;
  return statement ?? 'none';
}

async function countDue(client, now) {
  const { rows } = await client.query(
    `SELECT count(*)::int AS due FROM digest_plan WHERE next_run_at <= to_timestamp($1::float8 / 1000)`,
    [now],
  );
  return rows[0].due;
}

async function isPlanned(client, users) {
  const { rows } = await client.query(
    `SELECT count(*)::int AS plans FROM digest_plan WHERE next_run_at > '-infinity'`,
  );
  return rows[0].plans === users;
}

/** Local dates, `[zone, date]`, whose 17:00 is within these hours. */
function fives(begins, hours, zones) {
  return zones.flatMap((zone) => {
    const parts = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', hourCycle: 'h23' };
    const format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, ...parts });
    return Array.from({ length: hours }, (_, n) => format.format(begins + (n + 1) * HOUR_MS - 1).split(', '))
      .filter(([, hour]) => hour === '17')
      .map(([date]) => [zone, date]);
  });
}

async function count(client, { begins, hours, zones, published }) {
  await client.query(
    `CREATE TEMP TABLE expected AS SELECT d.user_id, e->>1 AS local_date
     FROM json_array_elements($1::json) AS e JOIN device d ON d.timezone = e->>0`,
    [JSON.stringify(fives(begins, hours, zones))],
  );
  // Every event of a digest that ever was: those that were superseded are kept without their data.
  await client.query(
    `CREATE TEMP TABLE told AS SELECT e.user_id, e.id, r.local_date
     FROM (SELECT user_id, id FROM mailbox_entry WHERE type = 'digest.ready' UNION ALL
       SELECT user_id, id FROM past_event WHERE type = 'digest.ready') e
     LEFT JOIN digest_run r ON r.user_id = e.user_id AND r.event_id = e.id`,
  );
  await client.query('ANALYZE expected, told');
  const { rows } = await client.query(
    `WITH dates AS (SELECT user_id, local_date, count(*)::int AS events FROM told GROUP BY user_id, local_date)
     SELECT (SELECT count(*)::int FROM expected) AS expected, (SELECT count(*)::int FROM told) AS made,
       (SELECT count(*)::int FROM expected x WHERE NOT EXISTS (
         SELECT FROM dates d WHERE d.user_id = x.user_id AND d.local_date = x.local_date)) AS missing,
       (SELECT coalesce(sum(CASE WHEN local_date IS NULL THEN events ELSE events - 1 END), 0)::int FROM dates) AS doubled,
       (SELECT count(*)::int FROM dates d WHERE NOT EXISTS (
         SELECT FROM expected x WHERE x.user_id = d.user_id AND x.local_date = d.local_date)) AS unexpected,
       (SELECT sum(last_offset)::float8 FROM mailbox) - $1 - (SELECT count(*) FROM told) AS lost,
       (SELECT count(*)::int FROM digest_run WHERE state <> 'handed_off') AS empty`,
    [published],
  );
  return rows[0];
}

async function startWorker(databaseUrl, environment) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = startServer(process.execPath, [bundle], {
    env: {
      PATH: process.env.PATH,
      AUTH_JWT_SECRET: 'of a simulated week, and of no use after it',
      LOG_LEVEL: 'error',
      DIGESTS_PER_SECOND: '1000000',
      DIGEST_WINDOW_MINUTES: '30',
      ...environment,
      NODE_ENV: 'development',
      ROLES: 'api,worker',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: databaseUrl,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const isReady = async () => {
    if (!server.isRunning()) throw new Error('the worker ended at boot');
    return fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await until('the worker is ready', isReady, READY_WITHIN_MS);
  return {
    ended: server.exited,
    isDead: () => !server.isRunning(),
    kill: () => void server.child.kill('SIGKILL'),
    stop: () =>
      stopServer(server, [
        ['SIGTERM', 15_000],
        ['SIGKILL', 5_000],
      ]),
    /** Moves its clock there, and stops it. */
    async tell(now) {
      const body = JSON.stringify({ at: new Date(now).toISOString(), stands: true });
      const headers = { 'content-type': 'application/json' };
      const signal = AbortSignal.timeout(10_000);
      const response = await fetch(`${url}/dev/clock`, { method: 'POST', headers, body, signal });
      if (!response.ok)
        throw new Error(`the clock was not moved: ${response.status} ${await response.text()}`);
    },
  };
}

async function until(what, isSo, withinMs) {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; await pause(POLL_MS))
    if (await isSo()) return;
  throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
}

/** Numbers from 0 up to but not including 1, the same for the same seed (mulberry32). */
function randomSequence(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
