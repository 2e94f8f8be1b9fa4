import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type HandoffClaim, HandoffStore } from '../../../src/mailbox/handoff/handoff.store.js';
import { MailboxFragments } from '../../../src/mailbox/mailbox.fragments.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { testConfig } from '../../support/config.js';
import { eventually } from '../../support/eventually.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

let database: TestDatabase;
let connections: Database;
let store: HandoffStore;
beforeAll(async () => {
  database = await createDatabase();
  connections = new Database(testConfig({ DATABASE_URL: database.url }));
  store = new HandoffStore(connections, new MailboxFragments([]));
});
afterEach(() => database.query('TRUNCATE handoff, mailbox, mailbox_entry'));
afterAll(async () => {
  await connections.onApplicationShutdown();
  await database.drop();
});

const claim = (more: Partial<HandoffClaim> = {}) =>
  connections.transaction('critical', (tx) =>
    store.claim(tx, {
      consumer: 'delivery',
      tier: 'important',
      olderThanMs: 1_000,
      limit: 500,
      maxEvents: 2_000,
      ...more,
    }),
  );
/** Handoffs of offsets `from` to `to` of one user, each a second older than the one after it. */
const handOff = (from: number, to: number, tier = 'important') =>
  database.query(
    `INSERT INTO handoff (id, consumer, tier, positions, created_at)
     SELECT gen_random_uuid(), consumer, $3, json_build_array(json_build_array('ann', n)), now() - interval '1 day' + n * interval '1 second'
     FROM generate_series($1::int, $2::int) AS n, unnest(ARRAY['delivery', 'push']) AS consumer`,
    [from, to, tier],
  );
/** Events at these offsets are the newest of their key; at all others they are superseded. */
async function publish(...offsets: number[]): Promise<void> {
  await database.query(
    `INSERT INTO mailbox (user_id, epoch, last_offset, bucket) VALUES ('ann', 'e', 1000000, bucket_of('ann')) ON CONFLICT DO NOTHING`,
  );
  await database.query(
    `INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, data, at, bucket)
     SELECT 'ann', 'key ' || n, n, gen_random_uuid(), 'note', 'important', '{}', now(), bucket_of('ann') FROM unnest($1::int[]) AS n`,
    [offsets],
  );
}
const left = async (consumer = 'delivery'): Promise<number> =>
  (await database.query(`SELECT 1 FROM handoff WHERE consumer = $1`, [consumer])).length;
const offsetsOf = ({ events }: Awaited<ReturnType<typeof claim>>) =>
  events.map(({ event }) => event.header.offset);

describe('the sweep after an outage', () => {
  test('takes many superseded commits in one statement, and goes on behind them', async () => {
    await handOff(1, 1_200);
    await publish(1_200);
    expect(await claim()).toEqual({ events: [], isDrained: false });
    expect(await claim()).toEqual({ events: [], isDrained: false });
    const last = await claim();
    expect([offsetsOf(last), last.isDrained]).toEqual([[1_200], true]);
    expect([await left(), await left('push')]).toEqual([0, 1_200]);
  });

  test('delivers the oldest first, and no more events at once than it may', async () => {
    await handOff(1, 10);
    await publish(2, 3, 5, 7, 9);
    const batches = [
      await claim({ maxEvents: 2 }),
      await claim({ maxEvents: 2 }),
      await claim({ maxEvents: 2 }),
    ];
    expect(batches.map(offsetsOf)).toEqual([[2, 3], [5, 7], [9]]);
    expect(batches.map(({ isDrained }) => isDrained)).toEqual([false, false, true]);
    expect(await left()).toBe(0);
  });

  test('delivers a commit that alone has more events than it may', async () => {
    await database.query(
      `INSERT INTO handoff (id, consumer, tier, positions, created_at)
       VALUES (gen_random_uuid(), 'delivery', 'important', '[["ann",1],["ann",2],["ann",3]]', now() - interval '1 day')`,
    );
    await publish(1, 2, 3);
    const all = await claim({ maxEvents: 2 });
    expect([offsetsOf(all), all.isDrained]).toEqual([[1, 2, 3], true]);
  });

  test('leaves the other tier, and what another node is delivering, alone', async () => {
    await handOff(1, 3);
    await handOff(4, 6, 'critical');
    const release = await database.holdTransaction(
      `SELECT FROM handoff WHERE tier = 'important' ORDER BY created_at LIMIT 2 FOR UPDATE`,
    );
    try {
      expect(await claim()).toEqual({ events: [], isDrained: true });
      expect(await left()).toBeGreaterThanOrEqual(3);
      expect(
        await database.query(`SELECT 1 FROM handoff WHERE consumer = 'delivery' AND tier = 'critical'`),
      ).toHaveLength(3);
    } finally {
      await release();
    }
  });

  test('a commit whose delivery failed is due again', async () => {
    await handOff(1, 1);
    await publish(1);
    const failed = connections.transaction('critical', async (tx) => {
      await store.claim(tx, {
        consumer: 'delivery',
        tier: 'important',
        olderThanMs: 0,
        limit: 1,
        maxEvents: 1,
      });
      throw new Error('the node died');
    });
    await expect(failed).rejects.toThrow('the node died');
    expect(offsetsOf(await claim())).toEqual([1]);
  });

  test('finds what was committed late, also when it has just seen that nothing can be due for a minute', async () => {
    const hasDue = () => store.hasDue({ consumer: 'delivery', tier: 'important', olderThanMs: 60_000 });
    expect(await hasDue()).toBe(false);
    await handOff(1, 1);
    await eventually('the commit is found', hasDue);
    await database.query('UPDATE handoff SET created_at = now()');
    expect(await hasDue()).toBe(false);
  });
});
