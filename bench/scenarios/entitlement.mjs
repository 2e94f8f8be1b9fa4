/* "May this user stream?", with a service key, from PostgreSQL at each call, beside a Nest route that does nothing. */
import pg from 'pg';
import { ADMIN_KEY, startEmptyNest, startLoad, startUsher } from '../servers.mjs';
import { median } from '../stats.mjs';
import { inTurn, spending } from './side-by-side.mjs';

const CONNECTIONS = 32;
/** As many as leave the server room, for the latency. */
const FEW = 4;
const USERS = 1_000;
const CHECK = '/v1/users/{user}/entitlement';

export async function entitlement(context) {
  const { options, environment, postmaster } = context;
  await members(environment.DATABASE_URL);
  const usher = await startUsher(context);
  const empty = await startEmptyNest();
  const key = await edgeKey(usher.port);
  const load = await startLoad();
  const variants = [
    { name: 'empty', server: empty, of: { port: empty.port, path: '/empty' } },
    { name: 'usher', server: usher, of: { port: usher.port, path: CHECK, users: USERS, key } },
    { name: 'empty, few', server: empty, of: { port: empty.port, path: '/empty', connections: FEW } },
    {
      name: 'usher, few',
      server: usher,
      of: { port: usher.port, path: CHECK, users: USERS, key, connections: FEW },
    },
  ];
  const results = await inTurn(variants, options.rounds, ({ server, of }, isWarmUp) =>
    spending({ server, postmaster }, () =>
      load.ask('requests', {
        connections: CONNECTIONS,
        ...of,
        seconds: isWarmUp ? 2 * options.seconds : options.seconds,
      }),
    ),
  );
  for (const one of [load, empty, usher]) await one.stop();
  const [theirs, ours, theirsFew, oursFew] = variants.map((variant) => {
    const mid = (read) => median(results.get(variant).map(read));
    return {
      perSecond: mid((one) => one.perSecond),
      p99: mid((one) => one.p99) / 1_000,
      cpuEach: mid((one) => one.cpu / one.count),
      failed: mid((one) => one.failed),
    };
  });
  const more = { usher: ours, bare: theirs };
  const ratio = ours.perSecond / theirs.perSecond;
  return [
    {
      what: `entitlement checks a second (${CONNECTIONS} connections; bare: an empty Nest route)`,
      usher: ours.perSecond,
      bare: theirs.perSecond,
      ratio,
      bar: '≥ 0.5',
      holds: ratio >= 0.5,
      more,
    },
    {
      what: 'p99 ms of a check, at that rate',
      usher: ours.p99,
      bare: theirs.p99,
      ratio: ours.p99 / theirs.p99,
    },
    {
      what: `p99 ms of a check, ${FEW} connections`,
      usher: oursFew.p99,
      bare: theirsFew.p99,
      ratio: oursFew.p99 / theirsFew.p99,
      bar: '< 10 ms',
      holds: oursFew.p99 < 10,
    },
  ];
}

/** Edge nodes have a key of their own, which is looked up, not the bootstrap one. */
export async function edgeKey(port) {
  const response = await fetch(`http://127.0.0.1:${port}/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', scopes: ['edge'] }),
  });
  if (response.status !== 201) throw new Error(`no key: ${response.status} ${await response.text()}`);
  return (await response.json()).key;
}

/** Straight into the tables: what matters here is that there is something to read. */
export async function members(databaseUrl, users = USERS) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const capabilities = { streaming: true, maxStreams: 4, maxQuality: '4k', downloads: true, ads: false };
  await client.query(
    `INSERT INTO plan (plan_id, name, capabilities, updated_at) VALUES ('bench', 'bench', $1, now()) ON CONFLICT DO NOTHING`,
    [JSON.stringify(capabilities)],
  );
  await client.query(
    `INSERT INTO membership (user_id, version, status, plan_id, effective_at, reason, updated_at, bucket)
     SELECT 'u' || n, 1, 'active', 'bench', now(), 'bench', now(), bucket_of('u' || n) FROM generate_series(0, $1 - 1) n ON CONFLICT DO NOTHING`,
    [users],
  );
  await client.end();
}
