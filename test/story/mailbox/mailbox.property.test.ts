import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NewDurableEvent } from '../../../src/mailbox/events/event.js';
import { MailboxFragments } from '../../../src/mailbox/mailbox.fragments.js';
import { EventBusService } from '../../../src/platform/events/event-bus.service.js';
import { MailboxService } from '../../../src/mailbox/mailbox.service.js';
import { MailboxStore } from '../../../src/mailbox/mailbox.store.js';
import { IdempotencyStore } from '../../../src/platform/http/idempotency/idempotency.store.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { PrismaService } from '../../../src/platform/postgres/prisma.service.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';
import { histories } from '../../support/histories.js';

/** The mailbox in process on a real PostgreSQL, since through the API these properties would take too long. */
let postgres: TestDatabase;
let database: Database;
let prisma: PrismaService;
let store: MailboxStore;
let mailbox: MailboxService;
let users = 0;

beforeAll(async () => {
  postgres = await createDatabase();
  const config = { DATABASE_URL: postgres.url } as ConstructorParameters<typeof Database>[0];
  database = new Database(config);
  prisma = new PrismaService(config);
  store = new MailboxStore(database, new MailboxFragments([]));
  mailbox = new MailboxService(store, new EventBusService(), database, new IdempotencyStore(prisma));
});

afterAll(async () => {
  await database.onApplicationShutdown();
  await prisma.onApplicationShutdown();
  await postgres.drop();
});

const freshUser = () => `user-${(users += 1)}`;
const event = (userId: string, key: string, value: number): NewDurableEvent => ({
  userId,
  type: 'test',
  tier: 'important',
  key,
  data: { value },
});
const keys = fc.constantFrom('a', 'b', 'c', 'd');

describe('a user’s offsets', () => {
  test('are 1..n without gaps under concurrent publishes, transactions and rollbacks', async () => {
    const act = fc.record({
      how: fc.constantFrom('publish' as const, 'transaction' as const, 'rollback' as const),
      user: fc.nat(2),
      keys: fc.array(keys, { minLength: 1, maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), async (acts) => {
        const names = [freshUser(), freshUser(), freshUser()];
        const offsets = new Map(names.map((name) => [name, [] as number[]]));
        await Promise.all(
          acts.map(async ({ how, user, keys: ofAct }) => {
            const userId = names[user] as string;
            const events = ofAct.map((key, value) => event(userId, key, value));
            const stored =
              how === 'publish'
                ? await mailbox.publish(events)
                : await inTransaction(events, how === 'rollback');
            offsets.get(userId)?.push(...stored.map(({ offset }) => offset as number));
          }),
        );
        for (const [userId, given] of offsets) {
          expect(given.sort((a, b) => a - b)).toEqual(given.map((_, index) => index + 1));
          const { head } = await store.readPage(userId, 0, 1);
          expect(head.offset).toBe(given.length);
        }
      }),
      histories(40),
    );
  });

  test('follow the order of commits: a reader of an offset has read every earlier one, or what superseded it', async () => {
    const userId = freshUser();
    let writing = true;
    const writers = Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 0; n < 25; n += 1) await mailbox.publish([event(userId, `key-${writer}-${n}`, n)]);
      }),
    ).then(() => (writing = false));
    let seen = 0;
    while (writing) {
      const { entries } = await store.readPage(userId, seen, 500);
      expect(entries.map(({ offset }) => offset)).toEqual(entries.map((_, index) => seen + index + 1));
      seen += entries.length;
    }
    await writers;
  });
});

describe('resuming', () => {
  test('after any offset, replay followed by live events leads to the same state as having stayed connected', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(keys, fc.nat(99)), { minLength: 1, maxLength: 30 }),
        fc.nat(30),
        fc.nat(30),
        async (writes, left, back) => {
          const userId = freshUser();
          const stored = [];
          for (const [key, value] of writes)
            stored.push(...(await mailbox.publish([event(userId, key, value)])));
          const leftAt = Math.min(left, writes.length);
          const backAt = Math.max(leftAt, Math.min(back, writes.length));
          const state = new Map<string, unknown>();
          for (const { key, data } of stored.slice(0, leftAt)) state.set(key, data);
          const { head } = await store.readPage(userId, 0, 1);
          const position = { epoch: head.epoch, offset: leftAt };
          const [resumed] = await store.readAfter([{ userId, position }], 'important');
          for (const { key, data } of resumed?.missed ?? []) state.set(key, data);
          // Live events before the replay's head are known already and change nothing.
          for (const { key, data, offset } of stored.slice(backAt))
            if ((offset as number) > (resumed?.head.offset ?? 0)) state.set(key, data);
          const all = new Map(stored.map(({ key, data }) => [key, data]));
          expect(state).toEqual(all);
          expect(resumed?.missed?.map(({ offset }) => offset)).toEqual(
            [...(resumed?.missed ?? [])].map(({ offset }) => offset).sort((a, b) => a - b),
          );
        },
      ),
      histories(60),
    );
  });

  test('from another epoch, from the future or from too far behind is refused', async () => {
    const userId = freshUser();
    await mailbox.publish(Array.from({ length: 301 }, (_, n) => event(userId, `key-${n}`, n)));
    const { head } = await store.readPage(userId, 0, 1);
    const ask = async (epoch: string, offset: number) =>
      (await store.readAfter([{ userId, position: { epoch, offset } }], 'important'))[0]?.missed;
    expect(await ask('another', 300)).toBeUndefined();
    expect(await ask(head.epoch, 302)).toBeUndefined();
    expect(await ask(head.epoch, 0)).toBeUndefined();
    expect(await ask(head.epoch, 1)).toHaveLength(300);
    expect(await ask(head.epoch, 301)).toEqual([]);
  });

  test('returns only the newest event of each key, and no expired ones', async () => {
    const userId = freshUser();
    const [first] = await mailbox.publish([event(userId, 'a', 1)]);
    await mailbox.publish([
      event(userId, 'a', 2),
      { ...event(userId, 'b', 3), expiresAt: new Date(Date.now() + 60_000) },
      event(userId, 'c', 4),
    ]);
    await postgres.query(`UPDATE mailbox_entry SET expires_at = now() WHERE user_id = $1 AND key = 'b'`, [
      userId,
    ]);
    const position = { epoch: first?.epoch as string, offset: 0 };
    const [resumed] = await store.readAfter([{ userId, position }], 'important');
    expect(resumed?.missed?.map(({ key, offset }) => [key, offset])).toEqual([
      ['a', 2],
      ['c', 4],
    ]);
    expect(resumed?.head.offset).toBe(4);
  });
});

test('an event that PostgreSQL rejects does not affect the others of its batch', async () => {
  const userId = freshUser();
  const poisoned = { ...event(userId, 'bad', 1), type: 'nul\u0000' };
  const outcomes = await Promise.allSettled([
    mailbox.publish([event(userId, 'a', 1)]),
    mailbox.publish([poisoned]),
    mailbox.publish([event(userId, 'b', 2)]),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((await store.readPage(userId, 0, 10)).entries.map(({ offset }) => offset)).toEqual([1, 2]);
});

async function inTransaction(events: NewDurableEvent[], rollBack: boolean) {
  try {
    return await database.transaction('important', async (tx) => {
      const stored = await mailbox.append(tx, events);
      if (rollBack) throw new Error('rolled back');
      return stored;
    });
  } catch (error) {
    if (rollBack) return [];
    throw error;
  }
}
