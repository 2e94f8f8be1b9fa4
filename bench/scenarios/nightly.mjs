/* The nightly file: NDJSON by the API, each row merged and announced durably, beside a bare COPY of the same rows. */
import { ADMIN_KEY, startLoad, startUsher } from '../servers.mjs';
import { median, rss } from '../stats.mjs';
import { spending } from './side-by-side.mjs';

export async function nightly(context) {
  const { options, environment, pinPostgres } = context;
  pinPostgres('0,1');
  const server = await startUsher({ ...context, cores: '0,1' });
  const load = await startLoad({ cores: '0,1' });
  const before = rss(server.pid);
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, rss(server.pid))), 50);
  const found = { usher: [], plain: [], keyed: [] };
  const { rows } = options;
  for (let round = 0; round <= options.rounds; round += 1) {
    const prefix = `night${round}-`;
    const count = round === 0 ? Math.min(rows, 3_000) : rows;
    const of = { databaseUrl: environment.DATABASE_URL, prefix, rows: count };
    const plain = await load.ask('copyRows', of);
    const usher = await spending({ server, postmaster: context.postmaster }, () =>
      load.ask('sendRows', { port: server.port, key: ADMIN_KEY, prefix, rows: count }),
    );
    const keyed = await load.ask('copyRows', { ...of, keyed: true });
    if (round === 0) continue;
    const [cpu, postgres] = [usher.cpu / count, usher.postgres / count];
    found.usher.push({ ...usher, cpu, postgres, perSecond: count / usher.seconds });
    found.plain.push({ perSecond: count / plain.seconds });
    found.keyed.push({ perSecond: count / keyed.seconds });
  }
  clearInterval(watch);
  await load.stop();
  await server.stop();
  pinPostgres('1');
  const mid = (which) => median(found[which].map(({ perSecond }) => perSecond));
  const row = (what, which) => ({
    what,
    usher: mid('usher'),
    bare: mid(which),
    ratio: mid('usher') / mid(which),
    bar: '≥ 0.5',
    holds: mid('usher') >= 0.5 * mid(which),
    more: { rows, bytesEach: found.usher[0].bytes / rows, rssBefore: before, rssPeak: peak },
  });
  return [
    row('nightly rows a second, beside COPY into a plain table', 'plain'),
    row('nightly rows a second, beside COPY into a table with the same primary key', 'keyed'),
    {
      what: 'CPU µs a nightly row',
      usher: median(found.usher.map(({ cpu }) => cpu)),
      more: { postgres: median(found.usher.map(({ postgres }) => postgres)) },
    },
    {
      what: `MiB resident at most while ${options.rounds} × ${rows} rows came (before: bare column)`,
      usher: peak / 1_024,
      bare: before / 1_024,
      ratio: peak / before,
    },
  ];
}
