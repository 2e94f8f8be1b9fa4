/* The nightly front pages: by Usher's API as NDJSON, and by a bare COPY of the same rows into a plain table. */
import pg from 'pg';
import { clock } from './clock.mjs';
import { HttpConnection } from './http.mjs';

const ITEMS = 20;
const PART_BYTES = 64 * 1024;

function* pages({ prefix, rows }) {
  for (let row = 0; row < rows; row += 1) {
    const items = Array.from({ length: ITEMS }, (_, n) => ({
      titleId: `title-${(row * 7 + n * 13) % 9_000}`,
      rank: n + 1,
    }));
    yield { userId: `${prefix}${row}`, profileId: 'main', version: 20_261_120, items };
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

export async function sendRows({ port, key, prefix, rows }) {
  const parts = inParts(pages({ prefix, rows }), (page) => `${JSON.stringify(page)}\n`);
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
