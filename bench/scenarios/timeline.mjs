/*
 * How long a page of one user's timeline takes who has a million events behind them: the newest, one in the middle, one that begins at an
 * instant, and one event by its id, of which a device has a receipt or nothing. From the call to the end of the response.
 */
import pg from 'pg';
import { ADMIN_KEY, startUsher } from '../servers.mjs';
import { median } from '../stats.mjs';

const CALLS = 30;
const USER = 'busy';
/** $1: events, one a second. A quarter is in the mailbox, a half was superseded, of a quarter only receipts are left; two devices got all. */
const AT = `timestamptz '2026-01-01' + n * interval '1 second'`;
const SERIES = 'generate_series(1, $1::int) AS n';
const ID = `overlay(overlay(md5('${USER}' || n) PLACING '4' FROM 13) PLACING '8' FROM 17)::uuid`;
const FILL = [
  `INSERT INTO mailbox (user_id, epoch, last_offset, bucket) VALUES ('${USER}', 'bench', $1::int, bucket_of('${USER}'))`,
  `INSERT INTO device (user_id, device_id, platform, bucket) SELECT '${USER}', d, 'tv', bucket_of('${USER}') FROM generate_series(1, least($1::int, 3)) d`,
  `INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, data, at, bucket)
   SELECT '${USER}', 'k' || n, n, ${ID}, 'news.bench', 'important', '{}', ${AT}, bucket_of('${USER}') FROM ${SERIES} WHERE n % 4 = 0`,
  `INSERT INTO past_event (user_id, epoch, "offset", id, type, tier, key, at, superseded_by, bucket)
   SELECT '${USER}', 'bench', n, ${ID}, 'news.bench', 'important', 'k', ${AT}, gen_random_uuid(), bucket_of('${USER}') FROM ${SERIES} WHERE n % 4 > 1`,
  `INSERT INTO receipt (user_id, device_id, epoch, "offset", event_id, type, state, received_at, bucket)
   SELECT '${USER}', d, 'bench', n, ${ID}, 'news.bench', 2, ${AT}, bucket_of('${USER}') FROM ${SERIES}, generate_series(1, 2) AS d WHERE n % 10 > 0`,
  `INSERT INTO webhook (processor, event_id, type, status, user_id, created_at, received_at, settled_at)
   SELECT 'standard', 'w' || n, 'subscription.updated', 'applied', '${USER}', ${AT}, ${AT}, ${AT} FROM ${SERIES} WHERE n % 10 = 0`,
];

export async function timeline({ environment, options, ...context }) {
  const events = options.users;
  await fill(environment.DATABASE_URL, events);
  const usher = await startUsher({ ...context, environment, cores: '0' });
  const read = async (path) => {
    const begin = performance.now();
    const response = await fetch(`http://127.0.0.1:${usher.port}/v1/users/${USER}/${path}`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    const body = await response.json();
    return { ms: performance.now() - begin, status: response.status, body };
  };
  const instant = new Date(Date.parse('2026-01-01T00:00:00Z') + events * 500).toISOString();
  const { body: deep } = await read(`timeline?before=${instant}`);
  const idOf = (isIt) => deep.timeline.find((step) => step.step === 'event' && isIt(step)).id;
  const paths = {
    'the first page of 100 steps': 'timeline?limit=100',
    'a page of 100 steps in the middle, by `next`': `timeline?limit=100&before=${deep.next}`,
    'the same, by an instant': `timeline?limit=100&before=${instant}`,
    'an event that a device has a receipt of': `events/${idOf(({ offset }) => offset % 10 > 0)}`,
    'an event that no device has a receipt of': `events/${idOf(({ offset }) => offset % 10 === 0)}`,
    'an event that never was': `events/00000000-0000-4000-8000-000000000000`,
  };
  const rows = [];
  for (const [what, path] of Object.entries(paths)) {
    const calls = [];
    for (let call = 0; call < CALLS; call += 1) calls.push(await read(path));
    const all = calls.map(({ ms }) => ms);
    rows.push({ what: `median ms, ${events} events of one user: ${what}`, usher: median(all) });
    rows.push({ what: `slowest ms of ${CALLS}: ${what}`, usher: Math.max(...all) });
  }
  await usher.stop();
  return rows;
}

async function fill(url, events) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of FILL) await client.query(statement, [events]);
  await client.query('VACUUM ANALYZE');
  await client.end();
}
