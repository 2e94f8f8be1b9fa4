import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { metric } from '../../support/metric.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

// The delay of the event loop would depend on the machine; a query that Prisma has already made does not.
test('a node that is ready has already made its first Prisma query, so that its first request delays no device', async () => {
  expect((await fetch(`${usher.url}/health/ready`)).status).toBe(200);
  const asked = await usher.database.query<{ query: string }>(
    `SELECT query FROM pg_stat_activity WHERE application_name = 'usher prisma' AND datname = current_database()`,
  );
  expect(asked).toEqual([{ query: 'SELECT 1' }]);
});

test('whoever asks whether a node is ready, however often, costs PostgreSQL about one query a second', async () => {
  const queries = () => metric(usher, 'usher_statement_seconds_count', { statement: 'health' });
  const before = await queries();
  const asked = await Promise.all(Array.from({ length: 200 }, () => fetch(`${usher.url}/health/ready`)));

  expect(asked.map(({ status }) => status)).toEqual(asked.map(() => 200));
  // One, if they are answered within a second.
  expect((await queries()) - before).toBeLessThan(20);
});
