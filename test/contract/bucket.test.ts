import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BUCKETS, bucketOf, newIdOf } from '../../src/platform/postgres/bucket.js';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';
import { histories } from '../support/histories.js';

let postgres: TestDatabase;
beforeAll(async () => {
  postgres = await createDatabase();
});
afterAll(() => postgres.drop());

const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-'.split('');
const userId = fc.string({ unit: fc.constantFrom(...CHARACTERS), minLength: 1, maxLength: 64 });

test('PostgreSQL and this code put every user into the same bucket', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(userId, { minLength: 500, maxLength: 500 }), async (ids) => {
      const rows = await postgres.query<{ bucket: number }>(
        'SELECT bucket_of(id) AS bucket FROM unnest($1::text[]) WITH ORDINALITY AS u (id, n) ORDER BY n',
        [ids],
      );
      expect(rows.map(({ bucket }) => bucket)).toEqual(ids.map(bucketOf));
    }),
    histories(10),
  );
});

test('a bucket never changes: rows and stream ids have it', () => {
  expect(['ada', 'ben', 'user-1', 'user-2', 'A_b.c:d-9'].map(bucketOf)).toEqual([872, 481, 532, 942, 841]);
});

test('users are spread evenly over the buckets', () => {
  const sizes = Array.from({ length: BUCKETS }, () => 0);
  for (let n = 0; n < 200 * BUCKETS; n += 1) {
    const bucket = bucketOf(`user-${n}`);
    sizes[bucket] = (sizes[bucket] ?? 0) + 1;
  }
  expect(Math.min(...sizes)).toBeGreaterThan(120);
  expect(Math.max(...sizes)).toBeLessThan(280);
});

test('an id of something of a user begins with its bucket', () => {
  const ids = Array.from({ length: 100 }, () => newIdOf('user-2'));
  expect(new Set(ids).size).toBe(100);
  for (const id of ids) expect(Buffer.from(id, 'base64url').readUInt16BE()).toBe(942);
});

/**
 * Not distributed by users (docs/decisions/keyed-by-user-and-bucket.md): what others name, which leads to a user; read by all nodes; webhooks, and
 * texts that came in, which are deduplicated by their provider's id; the audit.
 */
const WITHOUT_BUCKET = [
  'audit_entry',
  'inbound_text',
  'processor_link',
  'push_address',
  'revocation',
  'subscription_owner',
  'webhook',
];

test('every table of users has the bucket last in its key, and in whatever else is unique', async () => {
  const keys = await postgres.query<{ table: string; isKey: boolean; columns: string[] }>(
    `SELECT c.relname AS table, i.indisprimary AS "isKey", array_agg(a.attname::text ORDER BY k.n) AS columns
     FROM pg_index i
     JOIN pg_class c ON c.oid = i.indrelid
     CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k (attnum, n)
     LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
     WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
       AND EXISTS (SELECT FROM pg_attribute u WHERE u.attrelid = c.oid AND u.attname = 'user_id')
     GROUP BY c.relname, i.indexrelid, i.indisprimary ORDER BY c.relname`,
  );
  const hasBucket = ({ isKey, columns }: (typeof keys)[number]) =>
    isKey ? columns.at(-1) === 'bucket' : columns.includes('bucket');
  const without = keys.filter((key) => !hasBucket(key)).map(({ table }) => table);
  expect([...new Set(without)]).toEqual(WITHOUT_BUCKET);
});

test('what is unique beside a key is so among the rows of one bucket, or kept by a lock as well', async () => {
  const unique = await postgres.query<{ index: string }>(
    `SELECT i.indexrelid::regclass::text AS index FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     WHERE i.indisunique AND NOT i.indisprimary AND c.relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  expect(unique.map(({ index }) => index)).toEqual([
    'membership_change_pending_key',
    // By the user's lock (directories.test.ts).
    'processor_link_user_id_processor_key',
    // Of a table that is the same on every server.
    'revocation_seq_idx',
  ]);
});
