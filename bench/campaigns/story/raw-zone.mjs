/* The raw zone, read without the code that writes it, except to decrypt: of each row its newest record. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decrypt } from '../../../dist/platform/crypto/aes-gcm.js';

const KEYS = {
  campaign_member: ['campaign', 'user_id'],
  push: ['user_id', 'device_id', 'event_id'],
  message: ['id'],
  receipt: ['user_id', 'device_id', 'event_id'],
  engagement_event: ['user_id', 'id'],
};

/** Returns `{ <table>: [row, …] }`, and how many records there were, and how many ids are there twice. */
export async function readRows(folder, client) {
  const { rows: keyRows } = await client.query('SELECT key_id::text AS id, key FROM warehouse_key');
  const keys = new Map(keyRows.map(({ id, key }) => [id, key]));
  const newest = Object.fromEntries(Object.keys(KEYS).map((table) => [table, new Map()]));
  const ids = new Set();
  let records = 0;
  for (const path of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ndjson.gz')))
    for (const line of gunzipSync(readFileSync(join(folder, path)))
      .toString()
      .trimEnd()
      .split('\n')) {
      const record = JSON.parse(line);
      records += 1;
      ids.add(record.id);
      if (KEYS[record.table]) keep(newest[record.table], record, keys);
    }
  const rows = Object.entries(newest).map(([table, all]) => [table, [...all.values()].map(({ row }) => row)]);
  return { rows: Object.fromEntries(rows), records, twice: records - ids.size };
}

function keep(newest, { id, table, key_id: keyId, sealed, row: plain }, keys) {
  const row = sealed ? JSON.parse(decrypt(keys.get(keyId), Buffer.from(sealed, 'base64'))) : plain;
  const key = KEYS[table].map((column) => row[column]).join(' ');
  const before = newest.get(key);
  if (!before || before.id < id) newest.set(key, { id, row });
}
