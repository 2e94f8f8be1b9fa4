import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { MOST_COUNTED } from '../../../src/digests/runs/digest-run.store.js';
import { knownStatements } from '../../../src/platform/postgres/statement.js';
import { DigestsInProcess, newUser } from '../../support/in-process/digests.js';

let digests: DigestsInProcess;
beforeAll(async () => {
  digests = await DigestsInProcess.start();
});
afterAll(() => digests.stop());
beforeEach(() => digests.clear());

describe('a digest', () => {
  test('shows what happened since the last one, when it is due and not before, and once', async () => {
    digests.at('2026-11-20T12:00:00Z');
    const userId = newUser();
    await digests.publish(userId, ['before it was chosen']);
    await digests.define();
    await digests.choose(userId);
    await digests.worker().plan();
    await digests.publish(userId, ['one', 'two', 'three', 'four', 'one']);
    await digests.publish(userId, ['not of this digest'], 'social.liked');
    digests.at('2026-11-20T16:59:59Z');
    await digests.worker().run();
    expect(await digests.digestIn(userId)).toBeUndefined();
    digests.at('2026-11-20T17:30:00Z');
    await digests.worker().run();
    await digests.worker().run();
    const digest = await digests.digestIn(userId);
    expect(digest?.data).toMatchObject({
      digest: 'evening',
      localDate: '2026-11-20',
      count: 4,
      isCounted: true,
      title: '4 new for you',
      items: [{ title: 'one', key: 'one', type: 'promo.started' }, { title: 'four' }, { title: 'three' }],
    });
    expect(await digests.runsOf(userId)).toEqual([
      { local_date: '2026-11-20', state: 'handed_off', events: 4, reason: null },
    ]);
    digests.at('2026-11-21T17:30:00Z');
    await digests.worker().run();
    expect((await digests.digestIn(userId))?.offset).toBe(digest?.offset);
    expect((await digests.runsOf(userId))[1]).toEqual({
      local_date: '2026-11-21',
      state: 'empty',
      events: 0,
      reason: null,
    });
  });

  test('comes once although its worker is killed at any statement, or at the commit', async () => {
    digests.at('2026-11-20T12:00:00Z');
    await digests.define();
    const userId = newUser();
    await digests.choose(userId);
    await digests.worker().plan();
    await digests.publish(userId, ['one']);
    digests.at('2026-11-20T17:30:00Z');
    const died: (number | 'commit')[] = [];
    const made: unknown[] = [];
    for (const dyingAt of [1, 2, 3, 4, 5, 'commit', undefined] as const) {
      digests.dying.dyingAt = dyingAt;
      await digests
        .worker(digests.dying)
        .run()
        .catch(() => died.push(dyingAt ?? 0));
      made.push([(await digests.datesOf(userId)).join(), (await digests.digestIn(userId))?.data['count']]);
    }
    expect(made.slice(0, -1)).toEqual(Array.from({ length: 6 }, () => ['', undefined]));
    expect(made.at(-1)).toEqual(['2026-11-20', 1]);
    expect(died).toEqual([1, 2, 3, 4, 5, 'commit']);
    await digests.worker().run();
    const handoffs = await digests.postgres.query(
      `SELECT consumer FROM handoff WHERE positions::text LIKE '%"' || $1 || '",2]%'`,
      [userId],
    );
    expect(handoffs).toHaveLength(2); // one to deliver it, one to push it
  });

  test('is made by one of several workers that are at it together', async () => {
    digests.at('2026-11-20T12:00:00Z');
    await digests.define({ optIn: false });
    const together = Array.from({ length: 60 }, () => newUser('crowd'));
    await Promise.all(together.map((userId) => digests.publish(userId, ['one'])));
    await digests.worker().plan();
    digests.at('2026-11-20T17:30:00Z');
    await Promise.all(Array.from({ length: 4 }, () => digests.worker().run(7)));
    const rows = await digests.postgres.query<{ count: string }>(
      `SELECT count(*) FROM digest_run WHERE user_id LIKE 'crowd-%' AND state = 'handed_off'`,
    );
    const heads = await digests.postgres.query<{ last_offset: string }>(
      `SELECT DISTINCT last_offset FROM mailbox WHERE user_id = ANY ($1)`,
      [together],
    );
    expect(rows).toEqual([{ count: '60' }]);
    expect(heads).toEqual([{ last_offset: '2' }]); // the event and the digest, no second one
  });
});

test('an account with 50,000 events costs no more than one with as many as are read', async () => {
  const counts = { small: 200, full: MOST_COUNTED, huge: 50_000 };
  for (const [userId, count] of Object.entries(counts))
    await digests.postgres.query(
      `INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, data, at, bucket)
       SELECT $1, 'key ' || n, n, gen_random_uuid(), 'promo.started', 'important', '{"title":"one"}', now(), bucket_of($1)
       FROM generate_series(1, $2::int) AS n`,
      [userId, count],
    );
  await digests.postgres.query(
    `INSERT INTO mailbox (user_id, epoch, last_offset, generation_ends, bucket)
     SELECT u, 'epoch', 50000, '{}', bucket_of(u) FROM unnest($1::text[]) AS t (u)`,
    [Object.keys(counts)],
  );
  await digests.postgres.query('VACUUM (ANALYZE) mailbox_entry');
  const preview = knownStatements().find(({ name }) => name.startsWith('preview-digest-newest:'));
  const buffersOf = async (userId: string) => {
    const [row] = await digests.postgres.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${preview?.text}`,
      [userId, 'none', new Date(), 20, JSON.stringify({ types: [], categories: ['promo'] })],
    );
    const plan = row?.['QUERY PLAN'][0].Plan ?? {};
    return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
  };
  const [small, full, huge] = [await buffersOf('small'), await buffersOf('full'), await buffersOf('huge')];
  expect(small).toBeLessThan(full);
  expect(huge).toBeLessThan(1.2 * full + 20);
});
