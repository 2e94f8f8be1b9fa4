/* Publishes in the room where there is no Python: the same orders and lines (programs.mjs). A call is repeated until it is answered. */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const { ROOM_URL, ROOM_KEY } = process.env;
const ATTEMPTS = 100;
const PAUSE_MS = 300;

async function publish(events) {
  const request = {
    method: 'POST',
    headers: {
      authorization: `Bearer ${ROOM_KEY}`,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(), // so that a repeated call has no second effect
    },
    body: JSON.stringify({ events }),
  };
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const response = await attemptOf(request);
    if (response?.accepted) return response.accepted;
    await sleep(PAUSE_MS);
  }
  throw new Error('The events were not accepted.');
}

function attemptOf(request) {
  return fetch(`${ROOM_URL}/v1/events`, { ...request, signal: AbortSignal.timeout(10_000) })
    .then((response) => response.json())
    .catch(() => null);
}

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { publish: events } = JSON.parse(line);
  const accepted = await publish(events);
  const numbered = accepted.map(({ offset }, at) => ({ n: events[at].data.n, offset }));
  process.stdout.write(`${JSON.stringify({ accepted: numbered })}\n`);
}
