/* Events for users whose devices sleep: as many as there are, as fast as the server takes them; and one by one at a pace. */
import { setTimeout as pause } from 'node:timers/promises';
import { machineClock } from './clock.mjs';
import { HttpConnection } from './http.mjs';

const BATCH = 100;
const CONNECTIONS = 4;

const bodyOf = (users, tier, data) =>
  JSON.stringify({
    events: users.map((userId) => ({ userId, type: 'news.bench', tier, key: 'bench', data })),
  });

/** An event each for the users `prefix`0 … in batches. Answers when the first call began and the last was answered. */
export async function publishAll({ port, key, prefix, count, tier, data }) {
  const startedAt = machineClock();
  let next = 0;
  await connected(port, CONNECTIONS, async (connections) => {
    const work = async (connection) => {
      while (next < count) {
        const from = next;
        next = Math.min(count, next + BATCH);
        const users = Array.from({ length: next - from }, (_, n) => `${prefix}${from + n}`);
        await post(connection, key, bodyOf(users, tier, data));
      }
    };
    await Promise.all(connections.map(work));
  });
  return { startedAt, endedAt: machineClock() };
}

/**
 * A critical event each for the users, one every `everyMs`, each on a connection of its own: one that was kept and not used may be
 * closed by now. Answers when each was due: a late start is not forgiven.
 */
export async function publishSteadily({ port, key, users, everyMs, data }) {
  const start = machineClock();
  const calls = [];
  for (const [n, user] of users.entries()) {
    await pause(Math.max(0, start / 1_000 + n * everyMs - machineClock() / 1_000));
    const body = bodyOf([user], 'critical', data);
    calls.push(connected(port, 1, ([connection]) => post(connection, key, body)));
  }
  await Promise.all(calls);
  return users.map((_, n) => start + n * everyMs * 1_000);
}

async function post(connection, key, body) {
  const { status, body: said } = await connection.request('POST', '/v1/events', { key, body });
  if (status !== 202) throw new Error(`not published: ${status} ${said.slice(0, 300)}`);
}

async function connected(port, count, act) {
  const connections = Array.from({ length: count }, () => new HttpConnection(port));
  try {
    await act(connections);
  } finally {
    for (const connection of connections) connection.close();
  }
}
