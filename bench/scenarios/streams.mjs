/* How many running streams PostgreSQL holds for each second of its CPU, when edge nodes renew each three times in LEASE_SECONDS. */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { startLoad, startUsher } from '../servers.mjs';
import { cpuOfFamily } from '../stats.mjs';
import { edgeKey, members } from './entitlement.mjs';
import { spending } from './side-by-side.mjs';

const STREAMS = 5_000;
const LEASE_SECONDS = 30;
/** Renewals of each stream that are measured; four in a row see a slot at every age. */
const RENEWALS = 4;
const CONNECTIONS = 16;

export async function streams(context) {
  const { environment, postmaster } = context;
  await members(environment.DATABASE_URL, STREAMS);
  await start(environment.DATABASE_URL);
  const usher = await startUsher({ ...context, settings: { LEASE_SECONDS: String(LEASE_SECONDS) } });
  const key = await edgeKey(usher.port);
  const load = await startLoad();
  const everySeconds = LEASE_SECONDS / 3;
  const ask = (seconds) =>
    load.ask('renewals', {
      port: usher.port,
      connections: CONNECTIONS,
      key,
      streams: STREAMS,
      everySeconds,
      seconds,
    });
  await ask(everySeconds); // each stream once
  const { count, failed, took, postgres, cpu } = await spending({ server: usher, postmaster }, () =>
    ask(RENEWALS * everySeconds),
  );
  const idle = await idleCpu(postmaster, everySeconds);
  for (const one of [load, usher]) await one.stop();
  const streamSeconds = count * everySeconds;
  const spent = (postgres - idle * took) / 1e6;
  return [
    {
      what: `streams held by a second of PostgreSQL's CPU a second (renewed every ${everySeconds} s; ${failed} failed)`,
      usher: streamSeconds / spent,
      more: { usher: { count, failed, took, postgresSeconds: spent, ownMicrosEach: cpu / count } },
    },
  ];
}

/** µs of CPU a second that PostgreSQL spends on a node that does nothing. */
async function idleCpu(postmaster, seconds) {
  const before = cpuOfFamily(postmaster);
  await pause(seconds * 1_000);
  return (cpuOfFamily(postmaster) - before) / seconds;
}

/** One stream a user, started at different times within half a lease. */
async function start(databaseUrl) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query(
    `SELECT column_name FROM information_schema.columns WHERE table_name = 'stream' AND is_nullable = 'NO' AND column_default IS NULL`,
  );
  const known = {
    stream_id: `'s' || n`,
    user_id: `'u' || n`,
    device_id: `'tv' || n`,
    title_id: `'dark'`,
    edge_id: `'bench'`,
    slot_until: `now() + (0.5 + random() / 2) * ${LEASE_SECONDS} * interval '1 second'`,
    device_registered: 'false',
    bucket: `bucket_of('u' || n)`,
  };
  const columns = rows.map(({ column_name: name }) => name);
  await client.query(
    `INSERT INTO stream (${columns.join(', ')})
     SELECT ${columns.map((name) => known[name]).join(', ')} FROM generate_series(0, $1 - 1) n
     ON CONFLICT DO NOTHING`,
    [STREAMS],
  );
  await client.end();
}
