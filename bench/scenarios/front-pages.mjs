/*
 * A nightly file for 20,000 users whose devices are all connected and read their page as soon as they are told: all at once, and over the time that
 * the settings give them. Then what a read costs, beside an empty Nest route. Run only when named.
 */
import { newInstallation } from '../digests/users.mjs';
import { ADMIN_KEY, SECRET, startEmptyNest, startLoad, startUsher } from '../servers.mjs';
import { median } from '../stats.mjs';
import { inTurn, spending } from './side-by-side.mjs';

const USERS = 20_000;
/** An app's HTTP client keeps a connection; a load balancer has some to each node. */
const CONNECTIONS = 64;
const of = { prefix: 'page-', users: USERS, secret: SECRET, connections: CONNECTIONS };

export async function frontPages(context) {
  const databaseUrl = await newInstallation(context.environment.DATABASE_URL, 'front_pages');
  const installed = { ...context, environment: { ...context.environment, DATABASE_URL: databaseUrl } };
  const atOnce = await told(installed, { version: 1, settings: { RECOMMENDATIONS_WINDOW_SECONDS: '0' } });
  await atOnce.stop();
  const paced = await told(installed, { version: 2 });
  const { ours, empty } = await reads(installed, paced).finally(paced.stop);
  const ms = (which, read) => which.found[read] / 1_000;
  return [
    row(`CPU µs a read of a front page, ${USERS} at once by ${CONNECTIONS} connections`, ours.cpu, empty.cpu),
    row('front pages read a second', ours.perSecond, empty.perSecond),
    { what: 'pages in a statement', usher: ours.perStatement },
    row('p50 ms from told to read; bare: all told at once', ms(paced, 'p50'), ms(atOnce, 'p50')),
    row('p99 ms from told to read; bare: all told at once', ms(paced, 'p99'), ms(atOnce, 'p99')),
    row('seconds until all have read; bare: all told at once', paced.found.seconds, atOnce.found.seconds),
  ];
}

const row = (what, usher, bare) => ({ what, usher, bare, ratio: usher / bare });

/** Connects the devices, sends the file, and waits until each has read its page. */
async function told(context, { version, settings }) {
  const usher = await startUsher({ ...context, settings });
  const load = await startLoad();
  await load.ask('frontPageFleet', { kind: 'usher', port: usher.port, devicesPerUser: 1, ...of });
  await load.ask('connect', { to: USERS });
  const start = performance.now();
  const [found] = await Promise.all([
    load.ask('readWhenTold', of),
    load.ask('sendRows', { port: usher.port, key: ADMIN_KEY, rows: USERS, version, ...of }),
  ]);
  if (found.failed > 0) throw new Error(`${found.failed} reads failed`);
  const stop = async () => {
    for (const one of [load, usher]) await one.stop();
  };
  return { usher, load, stop, found: { ...found, seconds: (performance.now() - start) / 1_000 } };
}

async function reads(context, { usher, load }) {
  await load.ask('close');
  const { options, postmaster } = context;
  const base = await startUsher({ ...context, file: '../dist-base/usher.js' });
  const empty = await startEmptyNest();
  const variants = [
    { name: 'empty', server: empty, of: { ...of, port: empty.port, path: '/empty' } },
    { name: 'base', server: base, of: { ...of, port: base.port } },
    { name: 'ours', server: usher, of: { ...of, port: usher.port } },
  ];
  const before = await statements(usher.port);
  const results = await inTurn(variants, options.rounds, ({ server, of: which }) =>
    spending({ server, postmaster }, () => load.ask('readAtOnce', which)),
  );
  const after = await statements(usher.port);
  await empty.stop();
  await base.stop();
  for (const v of variants)
    console.log(
      v.name,
      JSON.stringify(
        results
          .get(v)
          .map((o) => ({
            cpu: o.cpu / USERS,
            pg: o.postgres / USERS,
            perS: USERS / o.seconds,
            p50: o.p50,
            p99: o.p99,
          })),
      ),
    );
  const [theirs, , ours] = variants.map((variant) => {
    const mid = (read) => median(results.get(variant).map(read));
    return {
      cpu: mid((one) => one.cpu / USERS),
      postgres: mid((one) => one.postgres / USERS),
      perSecond: mid((one) => USERS / one.seconds),
    };
  });
  console.log(`PostgreSQL: ${ours.postgres.toFixed(1)} µs a read`);
  return {
    empty: theirs,
    ours: { ...ours, perStatement: ((options.rounds + 1) * USERS) / (after - before) },
  };
}

/** How many statements have read front pages. */
async function statements(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^usher_statement_seconds_count\{statement="front-pages?"\} (\d+)/m.exec(text)?.[1] ?? 0);
}
