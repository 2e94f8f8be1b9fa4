import { expect, test } from '@jest/globals';
import { ConnectionQueue } from './connection-queue.js';

const { signal } = new AbortController();

test('connections go to critical mails first, and then in the order in which they were asked for', async () => {
  const queue = new ConnectionQueue(1);
  await queue.take('important', signal);
  const order: string[] = [];
  const all = (['first', 'second', 'urgent'] as const).map(async (name) => {
    await queue.take(name === 'urgent' ? 'critical' : 'important', signal);
    order.push(name);
    queue.release();
  });
  queue.release();
  await Promise.all(all);
  expect(order).toEqual(['urgent', 'first', 'second']);
});

test('a mail that gives up takes no connection, neither then nor later', async () => {
  const queue = new ConnectionQueue(1);
  await queue.take('important', signal);
  const giveUp = new AbortController();
  const waiting = queue.take('critical', giveUp.signal);
  giveUp.abort();
  expect(await waiting).toBe(false);
  expect(await queue.take('critical', giveUp.signal)).toBe(false);
  queue.release();
  expect(await queue.take('important', signal)).toBe(true);
});

test('a queue that is closed lets nobody wait', async () => {
  const queue = new ConnectionQueue(1);
  await queue.take('important', signal);
  const waiting = queue.take('important', signal);
  queue.close();
  expect(await waiting).toBe(false);
  expect(await queue.take('critical', signal)).toBe(false);
});
