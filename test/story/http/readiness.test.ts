import { afterAll, beforeAll, expect, test } from '@jest/globals';
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
