import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, test } from '@jest/globals';
import { ReceiptStore } from '../../../src/delivery/receipts/receipt.store.js';
import { ReceiptsService } from '../../../src/delivery/receipts/receipts.service.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { eventually } from '../../support/eventually.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

let postgres: TestDatabase;
let database: Database;
beforeAll(async () => {
  postgres = await createDatabase();
  database = new Database({ DATABASE_URL: postgres.url } as ConstructorParameters<typeof Database>[0]);
});
afterAll(async () => {
  await database.onApplicationShutdown();
  await postgres.drop();
});

test('receipts of one device that contradict each other cost no other device its receipts', async () => {
  // `record` needs the store alone.
  const receipts = new ReceiptsService(
    new ReceiptStore(database),
    ...([{}, {}, {}, {}] as [never, never, never, never]),
  );
  const record = (userId: string, offset: number) =>
    receipts.record(
      { userId, deviceId: 'tv' },
      { id: randomUUID(), type: 'note.written', epoch: 'e', offset },
      'received',
    );
  record('ann', 1);
  // Two events with one offset, as after a failover that lost the first: no statement can write the row twice.
  record('bad', 6);
  record('bad', 6);
  record('ben', 1);
  for (const userId of ['ann', 'bad', 'ben'])
    await eventually(
      `the receipt of ${userId}`,
      async () => (await postgres.query(`SELECT FROM receipt WHERE user_id = $1`, [userId])).length === 1,
    );
});
