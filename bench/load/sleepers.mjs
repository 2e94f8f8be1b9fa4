/* Events for users whose devices sleep: as many as there are, as fast as the server takes them; and one by one at a pace. */
import { setTimeout as pause } from 'node:timers/promises';
import { machineClock } from './clock.mjs';
import { HttpConnection } from './http.mjs';

const BATCH = 100;
const CONNECTIONS = 4;
/** So many single events may be under way before one has to wait for an answer. */
const SINGLE_CONNECTIONS = 16;

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

/** A critical event each for the users, one every `everyMs`. Answers when each was due: a late start is not forgiven. */
export async function publishSteadily({ port, key, users, everyMs, data }) {
  const due = [];
  await connected(port, SINGLE_CONNECTIONS, async (connections) => {
    const start = machineClock();
    const calls = [];
    for (const [n, user] of users.entries()) {
      const at = start + n * everyMs * 1_000;
      await pause(Math.max(0, (at - machineClock()) / 1_000));
      due.push(Math.min(at, machineClock()));
      let free = connections.find(({ busy }) => !busy);
      for (; !free; free = connections.find(({ busy }) => !busy)) await pause(1);
      calls.push(post(free, key, bodyOf([user], 'critical', data)));
    }
    await Promise.all(calls);
  });
  return due;
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
