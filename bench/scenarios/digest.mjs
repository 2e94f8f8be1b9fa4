/*
 * Digests at `--users` users in every zone of the IANA data. First all are due at once: digests a second of one worker, and CPU of each. Then
 * `--days` simulated days from 25 October 2026 on, a week in which Europe and North America change their clocks: an hour at a time, and in
 * each hour the worker is killed (SIGKILL) while it makes what is due, and another one begins. Throws when a user has a local date twice, or
 * not at all, or when a digest that was made has no event. Run only when named: a week takes as long as 192 starts of a node.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { migrate } from '../../tools/migrate.mjs';
import { cpuOfFamily } from '../stats.mjs';
import { SECRET } from '../servers.mjs';

const HOUR_MS = 3_600_000;
const BEGINS = Date.parse('2026-10-25T00:00:00Z');
const DEFINITION = {
  types: [],
  categories: ['promo'],
  cadence: 'daily',
  at: '17:00',
  maxItems: 20,
  order: 'newest',
  group: 'none',
  optIn: false,
};
/** Events of one user between two digests. */
const EVENTS = 5;

export async function digest({ environment, options, postmaster }) {
  const url = await newInstallation(environment.DATABASE_URL);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await fill(client, options.users);
    const settings = { ...process.env, ...environment, DATABASE_URL: url, ...SETTINGS };
    const measured = await allAtOnce(client, settings, postmaster, options.users);
    const week = await simulate(client, settings, options);
    return [...measured, ...week];
  } finally {
    await client.end();
  }
}

const SETTINGS = {
  ROLES: 'worker',
  AUTH_JWT_SECRET: SECRET,
  DIGESTS_PER_SECOND: '1000000',
  LOG_LEVEL: 'error',
};

async function newInstallation(databaseUrl) {
  const name = `usher_digest_${process.pid}`;
  const admin = new pg.Client({ connectionString: databaseUrl });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  await migrate(url.href);
  return url.href;
}

/** Users in all zones, in turn, with a phone each. */
async function fill(client, users) {
  await client.query(`UPDATE installation SET name = current_database(), epoch = current_database()`);
  await client.query(
    `INSERT INTO mailbox (user_id, epoch, last_offset, generation_ends, bucket)
     SELECT 'u' || n, current_database(), 0, '{}', bucket_of('u' || n) FROM generate_series(1, $1::int) AS n`,
    [users],
  );
  const zones = Intl.supportedValuesOf('timeZone');
  await client.query(
    `INSERT INTO device (user_id, device_id, platform, timezone, bucket)
     SELECT 'u' || n, 'phone', 'ios', ($2::text[])[1 + n % $3::int], bucket_of('u' || n) FROM generate_series(1, $1::int) AS n`,
    [users, zones, zones.length],
  );
  await client.query(
    `INSERT INTO digest_definition (name, body, categories, opt_in, changed_in, walked_to)
     VALUES ('evening', $1, '{promo}', false, 0, '')`,
    [JSON.stringify(DEFINITION)],
  );
  await publish(client);
  await client.query('VACUUM (ANALYZE)');
}

/** New events for everybody, past the API: it is not what is measured. */
const publish = (client) =>
  client.query(
    `WITH told AS (UPDATE mailbox SET last_offset = last_offset + ${EVENTS} RETURNING user_id, last_offset, bucket)
     INSERT INTO mailbox_entry AS e (user_id, key, "offset", id, type, tier, data, at, bucket)
     SELECT user_id, 'promo ' || n, last_offset - ${EVENTS} + n, gen_random_uuid(), 'promo.started', 'important', '{"title":"Free week"}', now(), bucket
     FROM told, generate_series(1, ${EVENTS}) AS n
     ON CONFLICT (user_id, key, bucket) DO UPDATE SET "offset" = excluded."offset", id = excluded.id`,
  );

async function allAtOnce(client, settings, postmaster, users) {
  const worker = await startWorker(settings);
  const planned = await worker.makeUntil(BEGINS - 40 * HOUR_MS);
  await client.query(`UPDATE digest_plan SET after_offset = 0`);
  const before = postmaster ? cpuOfFamily(postmaster) : 0;
  const made = await worker.makeUntil(BEGINS - HOUR_MS);
  const postgres = (postmaster ? cpuOfFamily(postmaster) : 0) - before;
  worker.stop();
  const { rows } = await client.query(
    `SELECT count(*)::int AS runs FROM digest_run WHERE state = 'handed_off'`,
  );
  const [{ runs }] = rows;
  return [
    { what: 'users whose first digest is planned, a second', usher: users / planned.seconds },
    {
      what: `digests a second of one worker, ${EVENTS} events each (${runs} due at once)`,
      usher: runs / made.seconds,
      more: { postgres: postgres / runs, usher: { cpuEach: made.cpu / runs } },
    },
  ];
}

/** An hour at a time: in each the worker is killed in the middle of its work, if it has any, and another one goes on. */
async function simulate(client, settings, { users, days, seed }) {
  await client.query('DELETE FROM digest_run');
  const before = await totals(client);
  let published = 0;
  let killed = 0;
  for (let hour = 0; hour < 24 * days; hour += 1) {
    if (hour % 24 === 0) published += (await publish(client)).rowCount;
    const now = BEGINS + hour * HOUR_MS;
    const first = await startWorker(settings);
    killed += Number(await first.killWithin(now, (seed * 7_919 + hour * 104_729) % 1_000));
    const second = await startWorker(settings);
    await second.makeUntil(now);
    second.stop();
  }
  const after = await totals(client);
  const { rows: wrong } = await client.query(
    `SELECT user_id FROM digest_run GROUP BY user_id HAVING count(*) <> max(local_date)::date - min(local_date)::date + 1`,
  );
  const open = await client.query('SELECT FROM digest_plan WHERE next_run_at <= $1', [
    new Date(BEGINS + (24 * days - 1) * HOUR_MS),
  ]);
  const offsets = after.offsets - before.offsets - published;
  if (wrong.length > 0 || open.rowCount > 0 || offsets !== after.sent || (days >= 2 && after.users !== users))
    throw new Error(
      `not exactly once: ${wrong.length} users with gaps, ${open.rowCount} left open, ${offsets} digests for ${after.sent} runs, ${after.users} users of ${users}`,
    );
  return [
    { what: `local dates of ${users} users in ${days} days, each exactly once`, usher: after.runs },
    { what: 'workers killed while they made digests', usher: killed },
  ];
}

async function totals(client) {
  const { rows } = await client.query(
    `SELECT (SELECT sum(last_offset)::float8 FROM mailbox) AS offsets, count(*)::int AS runs,
       count(*) FILTER (WHERE state = 'handed_off')::int AS sent, count(DISTINCT user_id)::int AS users FROM digest_run`,
  );
  return rows[0];
}

async function startWorker(env) {
  const child = fork(fileURLToPath(new URL('../digest-worker.mjs', import.meta.url)), { env });
  const ended = new Promise((resolve) => child.once('exit', () => resolve(undefined)));
  const next = () => Promise.race([once(child, 'message').then(([message]) => message), ended]);
  if ((await next()) !== 'ready') throw new Error('the worker did not start');
  return {
    async makeUntil(now) {
      child.send({ now });
      const done = await next();
      if (!done) throw new Error('the worker ended');
      return done;
    },
    /** Returns whether it was killed before it was done. */
    async killWithin(now, ms) {
      child.send({ now });
      const timer = setTimeout(() => child.kill('SIGKILL'), ms);
      const done = await next();
      clearTimeout(timer);
      child.kill('SIGKILL');
      await ended;
      return done === undefined;
    },
    stop: () => void child.kill('SIGTERM'),
  };
}
