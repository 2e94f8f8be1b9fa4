/*
 * A nightly file for users whose devices are all connected and read their page as soon as they are told: all at once, and over the window that
 * the settings give them. Then what a read costs, beside an empty Nest route. Run only when named.
 */
import { newInstallation } from '../installation.mjs';
import { ADMIN_KEY, SECRET, startEmptyNest, startLoad, startUsher } from '../servers.mjs';
import { median } from '../stats.mjs';
import { inTurn, spending } from './side-by-side.mjs';

/** Often a process may have 20,000 files open. */
const MAX_USERS = 18_000;
/** An app's HTTP client keeps a connection; a load balancer has some to each node. */
const CONNECTIONS = 64;

export async function frontPages(context) {
  const users = Math.min(context.options.users, MAX_USERS);
  const of = { prefix: 'page-', users, secret: SECRET, connections: CONNECTIONS };
  const databaseUrl = await newInstallation(context.environment.DATABASE_URL, 'front_pages');
  const installed = { ...context, environment: { ...context.environment, DATABASE_URL: databaseUrl } };
  const atOnce = await told(installed, of, { version: 1, settings: { RECOMMENDATIONS_WINDOW_SECONDS: '0' } });
  await atOnce.stop();
  const paced = await told(installed, of, { version: 2 });
  const { ours, empty } = await reads(context, of, paced);
  await paced.stop();
  const ms = (which, read) => which.found[read] / 1_000;
  return [
    row(
      `CPU µs a read of a front page, ${users.toLocaleString('en')} at once by ${CONNECTIONS} connections`,
      ours.cpu,
      empty.cpu,
    ),
    row('front pages read a second', ours.perSecond, empty.perSecond),
    { what: 'pages in a statement', usher: ours.perStatement },
    row('p50 ms from told to read; bare: all told at once', ms(paced, 'p50'), ms(atOnce, 'p50')),
    row('p99 ms from told to read; bare: all told at once', ms(paced, 'p99'), ms(atOnce, 'p99')),
    row('seconds until all have read; bare: all told at once', paced.found.seconds, atOnce.found.seconds),
  ];
}

const row = (what, usher, bare) => ({ what, usher, bare, ratio: usher / bare });

/** Connects the devices, sends the file, and waits until each has read its page. */
async function told(context, of, { version, settings }) {
  const usher = await startUsher({ ...context, settings });
  const load = await startLoad();
  await load.ask('frontPageFleet', { kind: 'usher', port: usher.port, devicesPerUser: 1, ...of });
  await load.ask('connect', { to: of.users });
  const start = performance.now();
  const [found] = await Promise.all([
    load.ask('readWhenTold', of),
    load.ask('sendRows', { port: usher.port, key: ADMIN_KEY, rows: of.users, version, ...of }),
  ]);
  if (found.failed > 0) throw new Error(`${found.failed} reads failed`);
  const stop = async () => {
    for (const one of [load, usher]) await one.stop();
  };
  return { usher, load, stop, found: { ...found, seconds: (performance.now() - start) / 1_000 } };
}

async function reads({ options, postmaster }, of, { usher, load }) {
  await load.ask('close');
  const empty = await startEmptyNest();
  const variants = [
    { name: 'empty', server: empty, of: { ...of, port: empty.port, path: '/empty' } },
    { name: 'ours', server: usher, of: { ...of, port: usher.port } },
  ];
  const before = await statements(usher.port);
  const results = await inTurn(variants, options.rounds, ({ server, of: which }) =>
    spending({ server, postmaster }, () => load.ask('readAtOnce', which)),
  );
  const after = await statements(usher.port);
  await empty.stop();
  const [theirs, ours] = variants.map((variant) => {
    const mid = (read) => median(results.get(variant).map(read));
    return {
      cpu: mid((one) => one.cpu / of.users),
      postgres: mid((one) => one.postgres / of.users),
      perSecond: mid((one) => of.users / one.seconds),
    };
  });
  console.log(`PostgreSQL: ${ours.postgres.toFixed(1)} µs a read`);
  return {
    empty: theirs,
    ours: { ...ours, perStatement: ((options.rounds + 1) * of.users) / (after - before) },
  };
}

/** How many statements have read front pages. */
async function statements(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^usher_statement_seconds_count\{statement="front-pages?"\} (\d+)/m.exec(text)?.[1] ?? 0);
}
