/* The nightly front pages: by Usher's API as NDJSON, and by a bare COPY of the same rows into a plain table. */
import pg from 'pg';
import { clock } from './clock.mjs';
import { HttpConnection } from './http.mjs';

const ITEMS = 20;
const PART_BYTES = 64 * 1024;

/** Prime to every count of rows that is a product of 2, 3 and 5: each row comes once, and its neighbours are far away. */
const STEP = 7_368_787;

export const userOfRow = (prefix, row) => `${prefix}${String(row).padStart(9, '0')}`;

/** In the order of their users' ids, or shuffled. */
function* pages({ prefix, rows, version = 20_261_120, shuffled = false }) {
  for (let n = 0; n < rows; n += 1) {
    const row = shuffled ? (n * STEP) % rows : n;
    const items = Array.from({ length: ITEMS }, (_, item) => ({
      titleId: `title-${(row * 7 + item * 13 + version) % 9_000}`,
      rank: item + 1,
    }));
    yield { userId: userOfRow(prefix, row), profileId: 'main', version, items };
  }
}

/** Made before the clock starts; given in buffers of about `PART_BYTES`. */
function inParts(rows, lineOf) {
  const parts = [];
  let part = [];
  let size = 0;
  for (const row of rows) {
    const line = lineOf(row);
    part.push(line);
    size += line.length;
    if (size < PART_BYTES) continue;
    parts.push(Buffer.from(part.join('')));
    part = [];
    size = 0;
  }
  return [...parts, Buffer.from(part.join(''))];
}

/** `version` and `shuffled`: of the pages (`pages`). */
export async function sendRows({ port, key, rows, ...which }) {
  const parts = inParts(pages({ rows, ...which }), (page) => `${JSON.stringify(page)}\n`);
  const connection = new HttpConnection(port);
  const start = clock();
  const { status, body } = await connection.upload('/v1/recommendations', {
    key,
    type: 'application/x-ndjson',
    parts,
  });
  const seconds = (clock() - start) / 1e6;
  connection.close();
  const lines = body.split('\n').filter((line) => line.startsWith('{'));
  const last = JSON.parse(lines.at(-1));
  if (status !== 200 || last.accepted !== rows) throw new Error(`${status} ${lines.at(-1)}`);
  return { seconds, rows, bytes: parts.reduce((sum, part) => sum + part.length, 0) };
}

/** Into a table without any index, or (`keyed`) with the primary key that such a table needs. */
export async function copyRows({ databaseUrl, prefix, rows, keyed }) {
  const parts = inParts(
    pages({ prefix, rows }),
    ({ userId, profileId, version, items }) =>
      `${userId}\t${profileId}\t${version}\t${JSON.stringify(items)}\n`,
  );
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(`CREATE TABLE bench_copy (user_id text COLLATE "C", profile_id text COLLATE "C", version jsonb, items json
      ${keyed ? ', PRIMARY KEY (user_id, profile_id)' : ''})`);
    const start = clock();
    await copy(client, 'COPY bench_copy FROM STDIN', parts);
    const seconds = (clock() - start) / 1e6;
    const { rows: counted } = await client.query('SELECT count(*)::int AS count FROM bench_copy');
    if (counted[0].count !== rows) throw new Error(`COPY took ${counted[0].count} of ${rows} rows`);
    return { seconds, rows };
  } finally {
    await client.query('DROP TABLE IF EXISTS bench_copy').catch(() => {});
    await client.end();
  }
}

/** pg has no COPY of its own, but all that it needs. */
function copy(client, text, parts) {
  return new Promise((resolve, reject) => {
    const query = new pg.Query(text, (error) => (error ? reject(error) : resolve()));
    query.handleCopyInResponse = async (connection) => {
      for (const part of parts) {
        connection.sendCopyFromChunk(part);
        const { stream } = connection;
        if (stream.writableNeedDrain) await new Promise((drained) => stream.once('drain', drained));
      }
      connection.endCopyFrom();
    };
    client.query(query);
  });
}
