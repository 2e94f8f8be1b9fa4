/*
 * A million users in the tables, and then everything at once that reads and writes them: heartbeats, appends, pushes, sweeps, recovery of
 * webhooks and retention. Rates, the slowest statements, and what the tables and the log grew by. The arithmetic is in docs/operate/capacity.md.
 */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { logSlowStatements } from '../slow-statements.mjs';
import { ADMIN_KEY, SECRET, startLoad, startUsher } from '../servers.mjs';
import { cpu, cpuOfFamily } from '../stats.mjs';
import { fill, PENDING, TABLES } from './scale-tables.mjs';
import { DEVICES_PER_USER } from './side-by-side.mjs';
import { withFakeProviders } from './sleeping-devices.mjs';

/** What is asked for a second; together about what one node with one PostgreSQL on these two cores carries. */
const RATES = { heartbeats: 300, critical: 50, important: 100, pushes: 100, handoffs: 200, webhooks: 50 };
/**
 * Not counted: a connection plans a statement for five uses of it, and once for all after that, and a metric that is read each 5 s is used a dozen times
 * a minute.
 */
const WARM_UP_SECONDS = 60;
const NO_LIMIT = '100000000';
const P99_BAR_MS = 50;
/** Statements in the table; fewer calls than these have no p99. */
const STATEMENTS = 25;
const MIN_CALLS = 20;

export async function scale(context) {
  const client = new pg.Client({ connectionString: context.environment.DATABASE_URL });
  await client.connect();
  try {
    return await withFakeProviders({ ...context, client }, measured);
  } finally {
    context.pinPostgres('1');
    await client.end();
  }
}

async function measured(context) {
  const { client, options, postmaster, place, providers } = context;
  const startedAt = performance.now();
  await fill(client, options.users);
  console.log(`filled in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  const settings = {
    ...place.settings,
    FCM_PER_MINUTE: NO_LIMIT,
    ACK_TIMEOUT_SECONDS: '1',
    USER_CALLS_PER_SECOND: '1000000',
  };
  context.pinPostgres('0,1');
  const usher = await startUsher({ ...context, settings, cores: '0,1' });
  const loads = [];
  const startOne = async () => loads[loads.push(await startLoad({ cores: '0,1' })) - 1];
  const [beats, critical, important, sleeping] = [
    await startOne(),
    await startOne(),
    await startOne(),
    await startOne(),
  ];
  const fleet = { kind: 'usher', port: usher.port, secret: SECRET, devicesPerUser: DEVICES_PER_USER };
  for (const load of loads) await load.ask('fleet', fleet);
  await beats.ask('connect', { to: options.devices });
  await providers.ask('forget');

  const seconds = options.minutes * 60;
  const totalSeconds = WARM_UP_SECONDS + seconds;
  const users = (from, count) => Array.from({ length: count }, (_, n) => `u${from + n}`);
  const publish = (load, perSecond, of) =>
    load.ask('publishAtRate', {
      publisher: { kind: 'usher', port: usher.port, key: ADMIN_KEY },
      payload: options.payload,
      seconds: totalSeconds,
      perSecond,
      expected: 0,
      ...of,
    });
  const awake = options.devices / DEVICES_PER_USER;
  const startCounting = async () => {
    await pause(WARM_UP_SECONDS * 1_000);
    const slow = await logSlowStatements(client, P99_BAR_MS);
    return { slow, before: await snapshot({ client, usher, postmaster }) };
  };
  const [{ slow, before }, beaten, ...published] = await Promise.all([
    startCounting(),
    beats.ask('heartbeatsAtRate', { seconds: totalSeconds, perSecond: RATES.heartbeats }),
    publish(critical, RATES.critical, { tier: 'critical', users: users(0, awake) }),
    publish(important, RATES.important, { tier: 'important', users: users(0, options.users) }),
    publish(sleeping, RATES.pushes, { tier: 'critical', users: users(awake, options.users - awake) }),
    leaveBehind(client, options.users, totalSeconds),
  ]);
  const after = await snapshot({ client, usher, postmaster });
  const slowInPostgres = await slow.stop();
  const pushed = await providers.ask('came');
  for (const one of [...loads, usher]) await one.stop();
  const left = await pending(client);
  const counted = { before, after, slowInPostgres, beaten, published, pushed, left };
  return rowsOf({ seconds, totalSeconds, ...counted, options });
}

/** What nodes that died leave: commits that nobody dispatched, and webhooks that were stored and never applied. A batch a second. */
async function leaveBehind(client, users, seconds) {
  const start = performance.now();
  for (let second = 0; second < seconds; second += 1) {
    await client.query(PENDING.handoffs, [RATES.handoffs, users]);
    await client.query(PENDING.webhooks, [RATES.webhooks, users]);
    await pause(Math.max(0, start + (second + 1) * 1_000 - performance.now()));
  }
  return { failed: 0 };
}

async function snapshot({ client, usher, postmaster }) {
  const response = await fetch(`http://127.0.0.1:${usher.port}/metrics`);
  const text = await response.text();
  const { rows: sizes } = await client.query(
    'SELECT name, pg_total_relation_size(name::regclass) AS bytes FROM unnest($1::text[]) AS t (name)',
    [TABLES],
  );
  const { rows: wal } = await client.query(`SELECT pg_current_wal_lsn() - '0/0' AS bytes`);
  return {
    statements: statementsIn(text),
    counters: countersIn(text),
    sizes: new Map(sizes.map(({ name, bytes }) => [name, Number(bytes)])),
    wal: Number(wal[0].bytes),
    cpu: cpu(usher.pid),
    postgres: postmaster ? cpuOfFamily(postmaster) : 0,
  };
}

/** Counts of each bucket of usher_statement_seconds: statement → Map of upper bound in seconds → calls up to it. */
function statementsIn(text) {
  const statements = new Map();
  for (const [, le, name, value] of text.matchAll(
    /usher_statement_seconds_bucket\{le="([^"]+)",statement="([^"]+)"\} (\d+)/g,
  )) {
    const buckets = statements.get(name) ?? new Map();
    buckets.set(le === '+Inf' ? Infinity : Number(le), Number(value));
    statements.set(name, buckets);
  }
  return statements;
}

const countersIn = (text) =>
  new Map(
    [...text.matchAll(/^(usher_\w+(?:\{[^}]*\})?) ([\d.]+)$/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]),
  );

async function pending(client) {
  const { rows } = await client.query(
    `SELECT (SELECT count(*)::int FROM handoff) AS handoffs,
       (SELECT count(*)::int FROM webhook WHERE status IN ('stored', 'failed')) AS webhooks,
       (SELECT count(*)::int FROM push WHERE state IN ('queued', 'sent')) AS pushes`,
  );
  return rows[0];
}

/**
 * p50 and p99 are upper bounds of the buckets in which they lie, in ms, as the node saw them: with the time in which its event loop was busy, or it
 * had no core. `slow`: calls that took PostgreSQL itself longer than the bar.
 */
function statementRows(before, after, seconds, slowInPostgres) {
  const rows = [];
  for (const [name, buckets] of after) {
    const earlier = before.get(name) ?? new Map();
    const upTo = [...buckets].map(([bound, calls]) => [bound, calls - (earlier.get(bound) ?? 0)]);
    const calls = upTo.at(-1)[1];
    const bound = (share) => upTo.find(([, count]) => count >= calls * share)[0] * 1_000;
    const slow = slowInPostgres.get(name)?.length ?? 0;
    if (calls > 0)
      rows.push({ name, calls, perSecond: calls / seconds, p50: bound(0.5), p99: bound(0.99), slow });
  }
  return rows.sort((a, b) => b.slow / b.calls - a.slow / a.calls || b.p99 - a.p99 || b.calls - a.calls);
}

function rowsOf({
  seconds,
  totalSeconds,
  before,
  after,
  slowInPostgres,
  beaten,
  published,
  pushed,
  left,
  options,
}) {
  const statements = statementRows(before.statements, after.statements, seconds, slowInPostgres);
  console.log(
    `statement                         calls/s   p50 ≤ ms   p99 ≤ ms   > ${P99_BAR_MS} ms in PostgreSQL`,
  );
  for (const { name, calls, perSecond, p50, p99, slow } of statements.slice(0, STATEMENTS))
    console.log(
      `${name.padEnd(32)} ${perSecond.toFixed(1).padStart(8)} ${String(p50).padStart(10)} ${String(p99).padStart(10)}   ${slow} of ${calls}`,
    );
  for (const name of TABLES) {
    const [was, is] = [before.sizes.get(name), after.sizes.get(name)];
    console.log(
      `${name.padEnd(20)} ${(was / 2 ** 20).toFixed(0).padStart(6)} MiB, grew by ${((is - was) / 2 ** 20).toFixed(1)} MiB`,
    );
  }
  const counter = (pattern) =>
    [...after.counters]
      .filter(([name]) => pattern.test(name))
      .reduce((sum, [name, value]) => sum + value - (before.counters.get(name) ?? 0), 0);
  const removed = counter(/^usher_retention_removed_total/);
  const swept = counter(/^usher_swept_total/);
  const worst = statements.find(({ calls }) => calls >= MIN_CALLS) ?? statements[0];
  const failed = published.reduce((sum, one) => sum + one.failed, 0) + beaten.refused;
  const of = `${options.users.toLocaleString('en')} users`;
  const rate = (what, count, wanted) => ({
    what: `${what} a second, of ${wanted} wanted`,
    usher: count / seconds,
    ratio: count / seconds / wanted,
  });
  /** The share of the minutes that are measured, of what was counted from the first second on. */
  const inMinutes = (count) => (count * seconds) / totalSeconds;
  return [
    {
      what: `% of calls of a statement that took PostgreSQL more than ${P99_BAR_MS} ms, with ${of} (${worst.name})`,
      usher: (worst.slow / worst.calls) * 100,
      bar: '≤ 1',
      holds: worst.slow / worst.calls <= 0.01,
      more: { usher: { statements, faults: failed } },
    },
    {
      ...rate('heartbeats stored', inMinutes(beaten.heartbeats), RATES.heartbeats),
      more: { p99: beaten.latency.p99 / 1_000 },
    },
    rate('pushes that arrived', inMinutes(pushed), RATES.pushes),
    rate('handoffs swept', swept, RATES.handoffs),
    rate('webhooks recovered', inMinutes(totalSeconds * RATES.webhooks - left.webhooks), RATES.webhooks),
    { what: 'rows a second removed by retention', usher: removed / seconds },
    { what: 'bytes of WAL a second, in KiB', usher: (after.wal - before.wal) / seconds / 1_024 },
    {
      what: "cores of PostgreSQL's; bare: of Usher's",
      usher: (after.postgres - before.postgres) / seconds / 1e6,
      bare: (after.cpu - before.cpu) / seconds / 1e6,
    },
    {
      what: 'left pending at the end: handoffs, webhooks, pushes',
      usher: left.handoffs + left.webhooks + left.pushes,
      more: {
        usher: {
          left,
          sizes: Object.fromEntries(
            [...after.sizes].map(([name, bytes]) => [name, { bytes, grew: bytes - before.sizes.get(name) }]),
          ),
        },
      },
    },
  ];
}
