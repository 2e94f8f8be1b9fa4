import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { MailboxFragments } from '../../src/mailbox/mailbox.fragments.js';
import { MailboxStore } from '../../src/mailbox/mailbox.store.js';
import { MAX_REPLAY, type Position } from '../../src/mailbox/position.js';
import { Database } from '../../src/platform/postgres/database.js';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';
import { histories } from '../support/histories.js';

const EPOCH = 'current';
/** Mailboxes `user-0` to `user-3`, with the newest offset of each; of `nobody` there is none, which is the same as 0. */
const HEADS = [1, MAX_REPLAY, MAX_REPLAY + 1, 3_000];
const USERS = [...HEADS.map((head, n) => ({ userId: `user-${n}`, head })), { userId: 'nobody', head: 0 }];

let postgres: TestDatabase;
let database: Database;
let store: MailboxStore;

interface Given {
  readonly offset: number;
  readonly id: string;
  readonly key: string;
}

/** One user's mailbox through appends and failovers, and what it must answer. Each run has a user of its own. */
class MailboxThroughFailovers {
  readonly userId = `user-${randomUUID()}`;
  /** Every event that was given an offset; devices may have any of them. */
  readonly given: Given[] = [];
  kept: Given[] = [];

  async append(keys: readonly string[]): Promise<void> {
    const at = new Date().toISOString();
    const stamped = keys.map((key) => ({
      id: randomUUID(),
      at,
      event: { userId: this.userId, type: 'note', tier: 'important' as const, key, data: {} },
    }));
    const positions = await store.append(stamped, randomUUID(), 'important');
    const added = positions.map(({ offset }, n) => ({
      offset,
      id: stamped[n]?.id ?? '',
      key: keys[n] ?? '',
    }));
    this.given.push(...added);
    this.kept.push(...added);
  }

  /** Appends what a standby does not get, and promotes that. */
  async failOver(lost: readonly string[]): Promise<void> {
    const tables = ['mailbox', 'mailbox_entry'];
    const copies: unknown[] = [];
    for (const table of tables) {
      const [row] = await postgres.query<{ rows: unknown }>(
        `SELECT coalesce(json_agg(t), '[]') AS rows FROM ${table} t WHERE user_id = $1`,
        [this.userId],
      );
      copies.push(row?.rows);
    }
    const { kept } = this;
    this.kept = [...kept];
    if (lost.length > 0) await this.append(lost);
    this.kept = kept;
    for (const [n, table] of tables.entries()) {
      await postgres.query(`DELETE FROM ${table} WHERE user_id = $1`, [this.userId]);
      await postgres.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`, [
        JSON.stringify(copies[n]),
      ]);
    }
    await postgres.query('UPDATE installation SET generation = generation + 1');
  }

  /** The ids of the newest event of each key after the offset; undefined for an offset that is not in the mailbox. */
  missed(offset: number): string[] | undefined {
    if (offset > 0 && !this.kept.some((one) => one.offset === offset)) return undefined;
    const newest = new Map(this.kept.map(({ key, id }) => [key, id]));
    return this.kept
      .filter((one) => one.offset > offset && newest.get(one.key) === one.id)
      .map(({ id }) => id);
  }
}

beforeAll(async () => {
  postgres = await createDatabase();
  database = new Database({ DATABASE_URL: postgres.url } as ConstructorParameters<typeof Database>[0]);
  store = new MailboxStore(database, new MailboxFragments([]));
  await postgres.query(`UPDATE installation SET epoch = $1`, [EPOCH]);
  for (const { userId, head } of USERS) {
    if (head === 0) continue;
    await postgres.query(
      `INSERT INTO mailbox (user_id, epoch, last_offset, bucket) VALUES ($1, $2, $3, bucket_of($1))`,
      [userId, EPOCH, head],
    );
    await postgres.query(
      `INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, data, at, bucket)
       SELECT $1, 'key-' || n, n, gen_random_uuid(), 'test', 'important', '{}', now(), bucket_of($1) FROM generate_series(1, $2::int) n`,
      [userId, head],
    );
  }
});

afterAll(async () => {
  await database.onApplicationShutdown();
  await postgres.drop();
});

type Request = { readonly user: (typeof USERS)[number]; readonly position: Position | undefined };
const user = fc.constantFrom(...USERS);
const epoch = fc.oneof({ weight: 4, arbitrary: fc.constant(EPOCH) }, { weight: 1, arbitrary: fc.string() });
const nearby = ({ head }: Request['user']) =>
  fc.integer({ min: Math.max(0, head - MAX_REPLAY - 3), max: head + 3 });
const request: fc.Arbitrary<Request> = user.chain((of) =>
  fc.record({
    user: fc.constant(of),
    position: fc.option(fc.record({ epoch, offset: fc.oneof(nearby(of), fc.nat(3_010), fc.maxSafeNat()) }), {
      nil: undefined,
    }),
  }),
);

async function resume(requests: readonly Request[]) {
  const inputs = requests.map((one) => ({ userId: one.user.userId, position: one.position }));
  return store.readAfter(inputs, 'important');
}

const mayResume = ({ user: { head }, position }: Request): boolean =>
  position?.epoch === EPOCH && position.offset <= head && head - position.offset <= MAX_REPLAY;

describe('a device that comes back', () => {
  test.each([
    ['at the newest offset', 3_000, 0],
    ['one behind', 2_999, 1],
    ['as far behind as is replayed', 3_000 - MAX_REPLAY, MAX_REPLAY],
    ['one further behind', 2_999 - MAX_REPLAY, undefined],
    ['ahead of its mailbox', 3_001, undefined],
  ])('%s is sent what it missed, or undefined for the state', async (_, offset, count) => {
    const [resumption] = await resume([
      { user: { userId: 'user-3', head: 3_000 }, position: { epoch: EPOCH, offset } },
    ]);
    expect(resumption?.missed?.length).toBe(count);
  });

  test('with any position of any epoch is sent every event after it and no other, or needs the state; many at once do not mix', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), async (requests) => {
        const resumptions = await resume(requests);
        expect(resumptions).toHaveLength(requests.length);
        requests.forEach((one, n) => {
          const { head } = one.user;
          expect(resumptions[n]?.head).toEqual({ epoch: EPOCH, offset: head });
          const after = one.position?.offset ?? 0;
          const missed = mayResume(one)
            ? Array.from({ length: head - after }, (_, index) => after + index + 1)
            : undefined;
          expect(resumptions[n]?.missed?.map(({ offset }) => offset)).toEqual(missed);
        });
      }),
      histories(200),
    );
  });

  test('of another database is never resumed by a position of its epoch', async () => {
    await fc.assert(
      fc.asyncProperty(fc.maxSafeNat(), user, async (offset, of) => {
        const [resumption] = await resume([{ user: of, position: { epoch: 'before', offset } }]);
        expect(resumption?.missed).toBeUndefined();
      }),
      histories(50),
    );
  });

  test('after failovers that lost events, is sent exactly what it missed, or the state if it has what was lost', async () => {
    const keys = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 });
    const acts = fc.array(fc.record({ isFailover: fc.boolean(), keys }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(acts, async (all) => {
        const mailbox = new MailboxThroughFailovers();
        for (const act of all) {
          if (act.isFailover) await mailbox.failOver(act.keys);
          else if (act.keys.length > 0) await mailbox.append(act.keys);
        }
        const offsets = mailbox.given.map(({ offset }) => offset);
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
        const devices = [0, ...offsets].map((offset) => ({
          userId: mailbox.userId,
          position: { epoch: EPOCH, offset },
        }));
        const resumptions = await store.readAfter(devices, 'important');
        for (const [n, { position }] of devices.entries()) {
          const missed = mailbox.missed(position.offset);
          expect(resumptions[n]?.missed?.map(({ id }) => id)).toEqual(missed);
          expect((await store.readPage(mailbox.userId, position.offset, 10)).isLost).toBe(
            missed === undefined,
          );
        }
      }),
      histories(25),
    );
  });
});
