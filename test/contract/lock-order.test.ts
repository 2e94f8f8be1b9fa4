import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { MailboxFragments } from '../../src/mailbox/mailbox.fragments.js';
import { MailboxService } from '../../src/mailbox/mailbox.service.js';
import { MailboxStore } from '../../src/mailbox/mailbox.store.js';
import type { StampedEvent } from '../../src/mailbox/events/event.js';
import { MembershipService } from '../../src/membership/membership.service.js';
import { MembershipStore } from '../../src/membership/membership.store.js';
import { ScheduledEndWorker } from '../../src/membership/scheduled-end.worker.js';
import { SubscriptionStore } from '../../src/membership/subscriptions/subscription.store.js';
import type { Config } from '../../src/platform/config/config.js';
import { EventBusService } from '../../src/platform/events/event-bus.service.js';
import type { IdempotencyStore } from '../../src/platform/http/idempotency/idempotency.store.js';
import { Database } from '../../src/platform/postgres/database.js';
import { PushStore } from '../../src/push/queue/push.store.js';
import type { Push } from '../../src/push/queue/push.js';
import { edgeNotice } from '../../src/streams/edges/edge-notice.js';
import { EdgeNoticeStore } from '../../src/streams/edges/edge-notice.store.js';
import { StreamStore } from '../../src/streams/stream.store.js';
import { eventually } from '../support/eventually.js';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';

class EndsNow extends ScheduledEndWorker {
  run(): Promise<void> {
    return this.runOnce();
  }
}

/**
 * Statements that lock several rows take them in one order, so that two never wait for each other in a circle (40P01). In process on a real
 * PostgreSQL: which of two transactions comes first cannot be chosen through the API. In each test the statement that is tried first waits
 * for a row that the test holds, while the other one takes what the first wants next.
 */
let postgres: TestDatabase;
let database: Database;
let store: MailboxStore;
let worker: EndsNow;
beforeAll(async () => {
  postgres = await createDatabase();
  const config = { DATABASE_URL: postgres.url, ROLES: ['worker'] } as unknown as Config;
  database = new Database(config);
  store = new MailboxStore(database, new MailboxFragments([]));
  const bus = new EventBusService();
  const mailbox = new MailboxService(store, bus, database, {} as IdempotencyStore);
  const memberships = new MembershipStore(database);
  const service = new MembershipService(memberships, new SubscriptionStore(database), mailbox, bus);
  worker = new EndsNow(memberships, service, database, config);
});
afterAll(async () => {
  await database.onApplicationShutdown();
  await postgres.drop();
});

const noteFor = (userId: string): StampedEvent => ({
  id: crypto.randomUUID(),
  at: new Date().toISOString(),
  event: { userId, type: 'note', tier: 'critical', key: 'note', data: {} },
});
const append = (...userIds: string[]) => store.append(userIds.map(noteFor), crypto.randomUUID(), 'critical');

const subscribed = async (userId: string, status: string, columns: string) => {
  await postgres.query(
    `WITH owner AS (INSERT INTO subscription_owner (processor, subscription_id, user_id) VALUES ('standard', $1, $1))
     INSERT INTO subscription (processor, subscription_id, user_id, customer_id, status, effective_at, as_of, object, bucket, ${columns})
     VALUES ('standard', $1, $1, $1, $2, now(), now(), '{}', bucket_of($1), now() - interval '1 second')`,
    [userId, status],
  );
  await postgres.query(
    `INSERT INTO membership (user_id, version, status, effective_at, reason, updated_at, ends_at, cancel_at, bucket)
     SELECT user_id, 1, status, now(), 'test', now(), coalesce(cancel_at, grace_ends_at), cancel_at, bucket_of(user_id) FROM subscription WHERE user_id = $1`,
    [userId],
  );
};

const lockWaits = async () => {
  const rows = await postgres.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.length;
};
const waiting = (count: number) =>
  eventually(`${count} wait for a lock`, async () => (await lockWaits()) === count);

test('memberships that end for two reasons at once, and a publish to their users', async () => {
  await append('ann', 'ben');
  // Unpaid ends are written after canceled ones: ann after ben, against the order of ids.
  await subscribed('ann', 'past_due', 'grace_ends_at');
  await subscribed('ben', 'active', 'cancel_at');
  const errors = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  const release = await postgres.holdTransaction(`SELECT 1 FROM mailbox WHERE user_id = 'ann' FOR UPDATE`);
  const published = append('ann', 'ben');
  await waiting(1);
  const ended = worker.run();
  await waiting(2);
  await release();
  const [positions] = await Promise.all([published, ended]);
  expect(positions).toHaveLength(2);
  expect(errors).not.toHaveBeenCalled();
  const rows = await postgres.query(
    `SELECT m.user_id, m.status, m.version, h.reason FROM membership m
     JOIN membership_history h ON h.user_id = m.user_id AND h.version = m.version ORDER BY m.user_id`,
  );
  expect(rows).toEqual([
    { user_id: 'ann', status: 'canceled', version: '2', reason: 'grace_ended' },
    { user_id: 'ben', status: 'canceled', version: '2', reason: 'scheduled_end' },
  ]);
});

test('pushes that are settled, and their removal from the other screens of the user', async () => {
  const pushes = new PushStore(database, new MailboxFragments([]), []);
  // The table has them in the order in which they are settled, the index in the other one.
  await postgres.query(
    `INSERT INTO push (user_id, device_id, event_id, key, type, tier, epoch, "offset", vendor, state, expires_at, bucket)
     SELECT u, d, '00000000-0000-4000-8000-000000000001', 'k', 'note', 'critical', 'e', 1, 'fcm', 'sent', now() + interval '1 hour', bucket_of(u)
     FROM (SELECT 'pia' AS u, unnest(ARRAY['b', 'a']) AS d UNION ALL SELECT 'other-' || n, 'd' FROM generate_series(1, 60000) n) r`,
  );
  await postgres.query('VACUUM ANALYZE push');
  const push = (deviceId: string) =>
    ({ userId: 'pia', deviceId, eventId: '00000000-0000-4000-8000-000000000001' }) as Push;
  const release = await postgres.holdTransaction(
    `SELECT 1 FROM push WHERE user_id = 'pia' AND device_id = 'a' FOR UPDATE`,
  );
  const cleared = pushes.clearOnOtherDevices('pia', 'c', [push('a').eventId]);
  await waiting(1);
  const delivered = { state: 'delivered', tried: 1 } as const;
  const settled = pushes.settle('critical', [
    [push('b'), delivered],
    [push('a'), delivered],
  ]);
  await waiting(2);
  await release();
  expect(await Promise.all([cleared, settled])).toEqual([2, undefined]);
});

test('slots that are renewed, and those that ran out meanwhile', async () => {
  const streams = new StreamStore(database);
  await postgres.query(
    `INSERT INTO stream (stream_id, user_id, device_id, title_id, edge_id, device_registered, slot_until, bucket)
     SELECT id, 'sam', 'tv', 'dark', 'edge', false, clock_timestamp() + interval '1 second', bucket_of('sam') FROM unnest(ARRAY['s2', 's1']) AS id`,
  );
  const release = await postgres.holdTransaction(`SELECT 1 FROM stream WHERE stream_id = 's1' FOR UPDATE`);
  const renewed = streams.renew(['s1', 's2'], 30);
  await waiting(1);
  await eventually('the slots ran out', async () => {
    const running = await postgres.query(`SELECT 1 FROM stream WHERE user_id = 'sam' AND slot_until > now()`);
    return running.length === 0;
  });
  const lapsed = database.transaction('important', (tx) => streams.lapse(tx, 'sam'));
  await waiting(2);
  await release();
  expect((await renewed).size).toBe(2);
  await lapsed;
});

test('notices that an edge node acknowledges, and newer ones that replace them', async () => {
  const notices = new EdgeNoticeStore(database);
  const notice = (userId: string) => {
    const data = { userId, version: 1, streaming: false };
    return edgeNotice(crypto.randomUUID(), 'edge', { type: 'entitlement.changed', data });
  };
  const [second, first] = [notice('b'), notice('a')];
  await database.transaction('critical', (tx) => notices.add(tx, [second]));
  await database.transaction('critical', (tx) => notices.add(tx, [first]));
  const release = await postgres.holdTransaction(`SELECT 1 FROM edge_notice WHERE key = $1 FOR UPDATE`, [
    first.key,
  ]);
  const added = database.transaction('critical', (tx) => notices.add(tx, [notice('a'), notice('b')]));
  await waiting(1);
  let isSettled = false;
  const settled = notices.settle([second, first]).then(() => (isSettled = true));
  await eventually('it is done, or waits too', async () => isSettled || (await lockWaits()) === 2);
  await release();
  await Promise.all([added, settled]);
});
