import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { metric } from '../../support/metric.js';

/** After this long the nodes were asked who is connected, and half a second was waited for what they say (connection-lookup.service.ts). */
const UNANSWERED_AFTER_MS = 1_200;
/** More than a connected device's node needs to record the receipt `sent`, as a rule (delivery-outcome.service.ts). */
const LATE_AFTER_MS = 600;

let a: TestUsher;
let b: TestUsher;
beforeAll(async () => {
  a = await startUsher({ ACK_TIMEOUT_SECONDS: '2' });
  b = await a.another();
  await eventually('a sends to b', async () => (await metric(a, 'usher_nodes')) === 1);
});
afterAll(() => a.stop());

type Accepted = { id: string; offset?: number; devices?: { deviceId: string; state: string }[] };
const publish = async (events: Record<string, unknown>[], headers: Record<string, string> = {}) => {
  const reply = await a.backOffice.call('POST', '/v1/events?wait=received', { events }, headers);
  return { ...reply, accepted: reply.body.accepted as Accepted[] };
};
/** Publishes while receipts cannot be written, for longer than a publisher waits before it asks who is connected. */
async function withLateReceipts<T>(act: () => Promise<T>): Promise<T> {
  const release = await a.database.holdTransaction('LOCK TABLE receipt IN EXCLUSIVE MODE');
  const publishedAt = Date.now();
  const published = act();
  await eventually('receipts are late', () => Date.now() - publishedAt > LATE_AFTER_MS);
  await release();
  return await published;
}
/** Returns how many durable events the user has. */
const mailboxOf = async (userId: string): Promise<number> => (await a.state(userId)).position.offset;
const critical = (userId: string, of: Record<string, unknown> = {}) => ({
  userId,
  type: 'note.awaited',
  tier: 'critical',
  data: {},
  ...of,
});

describe('a publisher that waits for receipts', () => {
  test('is returned the state of its event on each device, on whichever node it is', async () => {
    await a.device('ann', 'ann-1');
    await b.device('ann', 'ann-2');
    await b.device('ann', 'ann-3', { acks: false });
    const asleep = await a.device('ann', 'ann-4');
    asleep.close();
    await eventually('it is disconnected', async () => (await metric(a, 'usher_connections')) === 1);
    const { status, accepted } = await publish([critical('ann')]);
    expect(status).toBe(202);
    expect(accepted).toEqual([
      {
        id: expect.any(String),
        offset: 1,
        devices: [
          { deviceId: 'ann-1', state: 'received' },
          { deviceId: 'ann-2', state: 'received' },
          { deviceId: 'ann-3', state: 'sent' },
          { deviceId: 'ann-4', state: 'asleep' },
        ],
      },
    ]);
  });

  test('is not told that a connected device is asleep only because its node is slow to record receipts', async () => {
    await b.device('finn', 'finn-1');
    const { accepted } = await withLateReceipts(() => publish([critical('finn')]));
    expect(accepted[0]?.devices).toEqual([{ deviceId: 'finn-1', state: 'received' }]);
  });

  test('nor because its node does not say which devices it has', async () => {
    await b.device('gus', 'gus-1');
    process.kill(b.pid, 'SIGSTOP');
    try {
      const publishedAt = Date.now();
      const published = publish([critical('gus')]);
      await eventually('b was asked', () => Date.now() - publishedAt > UNANSWERED_AFTER_MS);
      process.kill(b.pid, 'SIGCONT');
      const { accepted } = await published;
      expect(accepted[0]?.devices).toEqual([{ deviceId: 'gus-1', state: 'received' }]);
    } finally {
      process.kill(b.pid, 'SIGCONT');
    }
  });

  test('asks each node once about all users of the call, and not once a user', async () => {
    const users = ['hal', 'ida', 'jo', 'kit', 'lou'];
    for (const user of users) await b.device(user, `${user}-1`);
    const answers: string[] = [];
    const redis = new Redis(process.env.REDIS_URL ?? '');
    const monitor = await redis.monitor();
    monitor.on('monitor', (_: string, [command, , answer]: string[]) => {
      if (command === 'rpush' && answer?.includes('hal-1')) answers.push(answer);
    });
    try {
      await withLateReceipts(() => publish(users.map((user) => critical(user))));
      expect(answers).toHaveLength(1);
      for (const user of users) expect(answers[0]).toContain(`${user}-1`);
    } finally {
      monitor.disconnect();
      redis.disconnect();
    }
  });

  test('is returned only the target device of an event that has one', async () => {
    await a.device('ben', 'ben-1');
    await b.device('ben', 'ben-2');
    const { accepted } = await publish([critical('ben', { deviceId: 'ben-2' })]);
    expect(accepted[0]?.devices).toEqual([{ deviceId: 'ben-2', state: 'received' }]);
  });

  test('can wait for many events at once; routine ones have no receipts', async () => {
    await a.device('cleo', 'cleo-1');
    const { accepted } = await publish([
      critical('cleo'),
      critical('nobody'),
      critical('cleo', { tier: 'routine' }),
      critical('cleo', { tier: 'important' }),
    ]);
    const received = [{ deviceId: 'cleo-1', state: 'received' }];
    expect(accepted.map(({ devices }) => devices)).toEqual([received, [], [], received]);
  });

  test('is returned the same response for the same Idempotency-Key, and no second event is published', async () => {
    const device = await b.device('dan', 'dan-1');
    const headers = { 'idempotency-key': 'wait-once' };
    const first = await publish([critical('dan')], headers);
    const again = await publish([critical('dan')], headers);
    expect(again.accepted).toEqual(first.accepted);
    expect(device.envelopes('note.awaited')).toHaveLength(1);
  });

  test('who repeats the call while the first one still waits is told so, and then returned its response', async () => {
    await b.device('fay', 'fay-1', { acks: false });
    const headers = { 'idempotency-key': 'wait-and-repeat' };
    const first = publish([critical('fay')], headers);
    await eventually('the event is committed', async () => (await mailboxOf('fay')) === 1);
    const meanwhile = await publish([critical('fay')], headers);
    expect(meanwhile).toMatchObject({ status: 409, body: { code: 'idempotency_in_progress' } });
    const { status, accepted } = await first;
    expect([status, accepted[0]?.devices]).toEqual([202, [{ deviceId: 'fay-1', state: 'sent' }]]);
    for (let n = 0; n < 2; n += 1) {
      const again = await publish([critical('fay')], headers);
      expect(again).toMatchObject({ status: 202, accepted });
      expect(again.headers.get('idempotent-replayed')).toBe('true');
    }
    expect(await mailboxOf('fay')).toBe(1);
  });

  test('whose node dies while it waits can repeat the call on another one, and nothing is published twice', async () => {
    const dying = await a.another();
    await b.device('gil', 'gil-1', { acks: false });
    const headers = { 'idempotency-key': 'wait-and-die' };
    const lost = dying.backOffice
      .call('POST', '/v1/events?wait=received', { events: [critical('gil')] }, headers)
      .catch(() => 'lost');
    await eventually('the event is committed', async () => (await mailboxOf('gil')) === 1);
    await dying.kill('SIGKILL');
    expect(await lost).toBe('lost');
    expect((await publish([critical('gil')], headers)).status).toBe(409);
    // A minute later the node counts as dead.
    await a.database.query(`UPDATE idempotent_call SET created_at = created_at - interval '61 s'`);
    const again = await publish([critical('gil')], headers);
    expect(again).toMatchObject({ status: 202, accepted: [{ id: expect.any(String), offset: 1 }] });
    expect((await publish([critical('gil')], headers)).accepted).toEqual(again.accepted);
    expect(await mailboxOf('gil')).toBe(1);
  });

  test('is rejected when it waits for too many events or another state, and nothing is published', async () => {
    const many = await publish(Array.from({ length: 101 }, () => critical('eve')));
    expect(many).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    const unknown = await a.backOffice.call('POST', '/v1/events?wait=seen', { events: [critical('eve')] });
    expect(unknown.status).toBe(400);
    expect(await a.database.query(`SELECT 1 FROM mailbox WHERE user_id = 'eve'`)).toEqual([]);
  });
});
