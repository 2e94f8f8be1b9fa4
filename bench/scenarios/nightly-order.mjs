/*
 * What the order of the nightly file is worth when it replaces the pages of many users: the same file in the order of their ids, and
 * shuffled. Run only when named: three files of `--users` lines.
 */
import pg from 'pg';
import { ADMIN_KEY, startLoad, startUsher } from '../servers.mjs';
import { spending } from './side-by-side.mjs';

export async function nightlyOrder(context) {
  const { options, environment, postmaster, pinPostgres } = context;
  pinPostgres('0,1');
  const client = new pg.Client({ connectionString: environment.DATABASE_URL });
  await client.connect();
  const server = await startUsher({ ...context, cores: '0,1' });
  const load = await startLoad({ cores: '0,1' });
  let version = 0;
  const send = async (shuffled) => {
    version += 1;
    const of = {
      port: server.port,
      key: ADMIN_KEY,
      prefix: 'order-',
      rows: options.users,
      version,
      shuffled,
    };
    await client.query('CHECKPOINT');
    const before = await walBytes(client);
    const spent = await spending({ server, postmaster }, () => load.ask('sendRows', of));
    const each = (value) => value / options.users;
    return {
      perSecond: options.users / spent.seconds,
      wal: each((await walBytes(client)) - before),
      postgres: each(spent.postgres),
    };
  };
  try {
    await send(false); // new rows
    await client.query('VACUUM (ANALYZE) recommendation, mailbox, mailbox_entry');
    const sorted = await send(false);
    await client.query('VACUUM (ANALYZE) recommendation, mailbox, mailbox_entry');
    const shuffled = await send(true);
    const row = (what, which) => ({
      what: `${what} (${options.users.toLocaleString('en')} users; bare: shuffled)`,
      usher: sorted[which],
      bare: shuffled[which],
      ratio: sorted[which] / shuffled[which],
    });
    return [
      row('nightly rows a second, a file sorted by user that replaces pages', 'perSecond'),
      row('bytes of WAL a nightly row', 'wal'),
      row("µs of PostgreSQL's CPU a nightly row", 'postgres'),
    ];
  } finally {
    await load.stop();
    await server.stop();
    await client.end();
    pinPostgres('1');
  }
}

async function walBytes(client) {
  const { rows } = await client.query(`SELECT pg_current_wal_lsn() - '0/0' AS bytes`);
  return Number(rows[0].bytes);
}
