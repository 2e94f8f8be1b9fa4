/*
 * Digests of `--users` users in every zone of the IANA data, all due at once: digests a second of one worker, CPU of Node and of PostgreSQL
 * for each, and how long a transaction of a hundred takes. Then one user's alone, and that of a user with a million events. Run only when named.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { addUsers, defineEvening, publishToAll } from '../digests/users.mjs';
import { newInstallation } from '../installation.mjs';
import { nextAutumn } from '../digests/week.mjs';
import { Histogram } from '../load/histogram.mjs';
import { SECRET } from '../servers.mjs';
import { cpuOfFamily } from '../stats.mjs';

const HOUR_MS = 3_600_000;
const NOW = nextAutumn();
/** Events of one user. */
const EVENTS = 5;
/** So often each of the two. */
const REPETITIONS = 200;
const OUTLIER = { userId: 'outlier', events: 1_000_000 };

/** Without the role `worker` nothing runs by itself: only what is measured does. */
const SETTINGS = {
  ROLES: 'api',
  AUTH_JWT_SECRET: SECRET,
  DIGESTS_PER_SECOND: '1000000',
  LOG_LEVEL: 'error',
};

export async function digest({ environment, options, postmaster }) {
  const url = await newInstallation(environment.DATABASE_URL, 'digest');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let worker;
  try {
    await addUsers(client, options.users);
    await defineEvening(client);
    await publishToAll(client, EVENTS);
    await client.query('VACUUM (ANALYZE)');
    worker = await startWorker({ ...process.env, ...environment, DATABASE_URL: url, ...SETTINGS });
    const bench = { client, worker, postmaster };
    const planned = await worker.makeUntil(NOW - 40 * HOUR_MS);
    await client.query('UPDATE digest_plan SET after_offset = 0');
    await client.query('VACUUM (ANALYZE) digest_plan');
    return [
      { what: 'users whose first digest is planned, a second', usher: options.users / planned.seconds },
      ...(await allAtOnce(bench)),
      ...(await withOutlier(bench)),
    ];
  } finally {
    worker?.stop();
    await client.end();
  }
}

async function allAtOnce(bench) {
  const { made, digests, postgres } = await measure(bench, NOW - HOUR_MS);
  return [
    row(`digests a second of one worker, ${EVENTS} events each (${digests} due at once)`, {
      usher: digests / made.seconds,
      postgres: postgres / digests,
    }),
    row('µs of CPU of Node for a digest', { usher: made.cpu / digests, postgres: postgres / digests }),
    ...times('ms for a transaction of 100 digests', made.slices),
  ];
}

/** One user's digest again and again: of a user like the others and of the outlier in turn. */
async function withOutlier(bench) {
  const { client } = bench;
  await addOutlier(client);
  const sums = ['u1', OUTLIER.userId].map((userId) => ({ userId, slices: [], postgres: 0 }));
  for (let n = 0; n < REPETITIONS; n += 1)
    for (const sum of sums) {
      await client.query('DELETE FROM digest_run WHERE user_id = $1', [sum.userId]);
      await client.query(
        `UPDATE digest_plan SET next_run_at = to_timestamp($2), last_date = '2026-10-01', after_offset = 0 WHERE user_id = $1`,
        [sum.userId, NOW / 1_000 - 7_200],
      );
      const { made, postgres } = await measure(bench, NOW - HOUR_MS);
      sum.slices.push(...made.slices);
      sum.postgres += postgres / REPETITIONS;
    }
  const [normal, outlier] = sums;
  return [
    ...times(`ms for a transaction of one digest, of ${EVENTS} events`, normal.slices),
    ...times(`ms for one of the user with ${OUTLIER.events} events`, outlier.slices),
    row('µs of CPU of PostgreSQL for that transaction; bare: for the other one', {
      usher: outlier.postgres,
      bare: normal.postgres,
    }),
  ];
}

async function addOutlier(client) {
  const { userId, events } = OUTLIER;
  await client.query(
    `INSERT INTO mailbox (user_id, epoch, last_offset, generation_ends, bucket) VALUES ($1, current_database(), $2, '{}', bucket_of($1))`,
    [userId, events],
  );
  await client.query(
    `INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, data, at, bucket)
     SELECT $1, 'promo ' || n, n, gen_random_uuid(), 'promo.started', 'important', '{"title":"Free week"}', now(), bucket_of($1)
     FROM generate_series(1, $2::int) AS n`,
    [userId, events],
  );
  await client.query('VACUUM (ANALYZE) mailbox_entry');
}

async function measure({ client, worker, postmaster }, until) {
  const cpu = () => (postmaster ? cpuOfFamily(postmaster) : 0);
  const before = cpu();
  const made = await worker.makeUntil(until);
  const postgres = cpu() - before;
  const { rows } = await client.query(
    `SELECT count(*)::int AS digests FROM digest_run WHERE state = 'handed_off'`,
  );
  return { made, postgres, digests: rows[0].digests };
}

const row = (what, { usher, bare, postgres }) => ({
  what,
  usher,
  bare,
  ratio: bare && usher / bare,
  more: { postgres },
});

function times(what, all) {
  const histogram = new Histogram();
  for (const ms of all) histogram.add(1_000 * ms);
  return [50, 99].map((p) =>
    row(`${what}: p${p} of ${all.length}`, { usher: histogram.percentile(p / 100) / 1_000 }),
  );
}

async function startWorker(env) {
  const child = fork(fileURLToPath(new URL('../digests/worker.mjs', import.meta.url)), { env });
  const ended = once(child, 'exit').then(() => undefined);
  const next = () => Promise.race([once(child, 'message').then(([message]) => message), ended]);
  if ((await next()) !== 'ready') throw new Error('the worker did not start');
  return {
    async makeUntil(now) {
      child.send({ now });
      const done = await next();
      if (!done) throw new Error('the worker ended');
      return done;
    },
    stop: () => void child.kill('SIGTERM'),
  };
}
