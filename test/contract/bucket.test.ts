import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BUCKETS, bucketOf } from '../../src/platform/postgres/bucket.js';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';

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
    { numRuns: 10 },
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

test('every table of users has the bucket last in its key', async () => {
  const keys = await postgres.query<{ table: string; columns: string[] }>(
    `SELECT c.relname AS table, array_agg(a.attname::text ORDER BY k.n) AS columns
     FROM pg_constraint p
     JOIN pg_class c ON c.oid = p.conrelid
     CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY AS k (attnum, n)
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
     WHERE p.contype = 'p' AND c.relnamespace = 'public'::regnamespace
       AND EXISTS (SELECT FROM pg_attribute u WHERE u.attrelid = c.oid AND u.attname = 'user_id')
     GROUP BY c.relname ORDER BY c.relname`,
  );
  const without = keys.filter(({ columns }) => columns.at(-1) !== 'bucket').map(({ table }) => table);
  // Keyed by what a processor or a back office names, or read by all nodes (docs/decisions/keyed-by-user-and-bucket.md).
  expect(without).toEqual(['membership_change', 'processor_link', 'revocation', 'subscription', 'webhook']);
});
