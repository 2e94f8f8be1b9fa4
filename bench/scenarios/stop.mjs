/*
 * Promise 3: from the processor's "canceled" to the last byte of the film. Each run is a user of its own with a player on the
 * example edge node; a signed webhook cancels, and the player notes when its bytes stop.
 */
import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import { Histogram } from '../load/histogram.mjs';
import { ADMIN_KEY, STRIPE_SECRET, startEdge, startUsher } from '../servers.mjs';

const AT_ONCE = 4;
const EDGE_ID = 'edge-of-the-bench';
/** Longer than a lease: whoever is not stopped by then was not stopped by us. */
const PATIENCE_MS = 100_000;

export async function stop(context) {
  const usher = await startUsher(context);
  const call = caller(usher.port);
  const capabilities = { streaming: true, maxStreams: 1, maxQuality: '4k', downloads: true, ads: false };
  await call('PUT', '/v1/plans/stop', { name: 'stop', prices: ['price_stop'], capabilities });
  const { key } = await call('POST', '/v1/keys', { name: 'bench', scopes: ['edge'] });
  const edge = await startEdge({ usherPort: usher.port, key, edgeId: EDGE_ID });
  const toLastByte = new Histogram();
  const toCut = new Histogram();
  let next = 0;
  const runs = async () => {
    while (next < context.options.stops) {
      const { lastByte, cut } = await oneRun({ call, edge, userId: `stop-${process.pid}-${(next += 1)}` });
      toLastByte.add(lastByte * 1_000);
      toCut.add(cut * 1_000);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runs));
  for (const one of [edge, usher]) await one.stop();
  return [...rows('cut off', toCut), ...rows('last byte', toLastByte)];
}

function rows(what, histogram) {
  const [p50, p99] = [0.5, 0.99].map((share) => histogram.percentile(share) / 1_000);
  const described = (name) =>
    `${name} ms from the processor's "canceled" to the player's ${what} (${histogram.total} runs)`;
  return [
    { what: described('p50'), usher: p50 },
    { what: described('p99'), usher: p99, bar: '< 1,000 ms', holds: p99 < 1_000 },
  ];
}

/** In ms from the moment the webhook was sent. */
async function oneRun({ call, edge, userId }) {
  const now = Math.floor(Date.now() / 1_000);
  await webhook(call, 'customer.subscription.created', { userId, status: 'active', created: now - 1 });
  const wanted = { userId, deviceId: `${userId}-tv`, titleId: 'film', edgeId: EDGE_ID };
  const { lease } = await call('POST', '/v1/streams', wanted);
  const player = await play(edge.port, lease);
  const sentAt = performance.now();
  await webhook(call, 'customer.subscription.deleted', { userId, status: 'canceled', created: now });
  const { lastByteAt, cutAt } = await player.over;
  return { lastByte: Math.max(0, lastByteAt - sentAt), cut: cutAt - sentAt };
}

/** Resolves with the first byte; `over` when the last one came. */
function play(port, lease) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${lease}` };
    const asking = request(
      { port, host: '127.0.0.1', path: '/video/film', headers, agent: false },
      (response) => {
        if (response.statusCode !== 200)
          return reject(new Error(`the edge node answered ${response.statusCode}`));
        let lastByteAt = 0;
        const over = new Promise((done, fail) => {
          const tooLong = setTimeout(() => fail(new Error('the bytes never stopped')), PATIENCE_MS);
          response.on('close', () => {
            clearTimeout(tooLong);
            done({ lastByteAt, cutAt: performance.now() });
          });
        });
        response.on('error', () => undefined);
        response.on('data', () => (lastByteAt = performance.now()));
        response.once('data', () => resolve({ over }));
        return undefined;
      },
    );
    asking.on('error', reject);
    asking.end();
  });
}

function webhook(call, type, { userId, status, created }) {
  const object = {
    id: `sub_${userId}`,
    object: 'subscription',
    customer: `cus_${userId}`,
    status,
    metadata: { userId },
    items: { data: [{ price: { id: 'price_stop' } }] },
  };
  const event = { id: `evt_${userId}_${status}`, object: 'event', type, created, data: { object } };
  const body = JSON.stringify(event);
  const at = Math.floor(Date.now() / 1_000);
  const signature = createHmac('sha256', STRIPE_SECRET).update(`${at}.${body}`).digest('hex');
  return call('POST', '/v1/webhooks/stripe', body, { 'stripe-signature': `t=${at},v1=${signature}` });
}

/** Calls with the admin key; throws unless the answer is a yes. */
const caller =
  (port) =>
  async (method, path, body, headers = {}) => {
    const request = {
      method,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, request);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
