import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { testOfDirectSockets } from '../../support/direct-sockets.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { elapsed, report } from '../../support/report.js';

/** Long polling is off by default. Where it is on, no client may hold resources for long. */
const HANDSHAKES = 300;
/** Socket.IO's `connectTimeout` is 8 s; a request body must be complete within 10 s. */
const HANDSHAKE_MS = 10_000;
const BODY_MS = 15_000;

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ TRANSPORTS: 'websocket,polling', LOG_LEVEL: 'warn' });
});
afterAll(() => usher.stop());

const pollingUrl = (query = '') => `${usher.url}/socket.io/?EIO=4&transport=polling${query}`;

async function handshake(): Promise<string> {
  const text = await (await fetch(pollingUrl())).text();
  return (JSON.parse(text.slice(1)) as { sid: string }).sid;
}

/** Returns whether the server still knows the session. */
const isKnown = async (sid: string): Promise<boolean> =>
  (await fetch(pollingUrl(`&sid=${sid}`), { method: 'POST', body: '6' })).status === 200;

/** A whole request that is refused only after its key was looked up: by then the request behind it is being received. */
const REFUSED_LATE = [
  'POST /v1/events HTTP/1.1',
  'Host: usher',
  `Authorization: Bearer usk_${'A'.repeat(16)}_${'A'.repeat(43)}`,
  'Content-Type: application/json',
  'Content-Length: 1',
  '',
  'y',
].join('\r\n');

/** Sends a POST whose body never ends, behind what is sent `before` it. Returns after how many ms the server closed the connection. */
function sendSlowBody(path: string, before = ''): Promise<number> {
  const { hostname, port } = new URL(usher.url);
  const start = Date.now();
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const head = [`POST ${path} HTTP/1.1`, `Host: ${hostname}`, 'Content-Type: application/json'];
    socket.write(`${before}${head.join('\r\n')}\r\nContent-Length: 500\r\n\r\n{`);
    const trickle = setInterval(() => socket.write(' '), 500);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(trickle);
      resolve(Date.now() - start);
    });
  });
}

describe('with long polling on', () => {
  testOfDirectSockets(
    'abandoned handshakes are forgotten, and request bodies that never end are cut off on every path',
    async () => {
      const start = Date.now();
      const sid = await handshake();
      const slow = Promise.all([
        sendSlowBody(`/socket.io/?EIO=4&transport=polling&sid=${sid}`),
        sendSlowBody('/v1/webhooks/stripe'),
        sendSlowBody('/v1/events'),
        sendSlowBody('/v1/webhooks/stripe', REFUSED_LATE),
      ]);
      const sids = await Promise.all(Array.from({ length: HANDSHAKES }, handshake));
      expect(await isKnown(sids[0] as string)).toBe(true);
      const left = start + HANDSHAKE_MS - Date.now();
      const [took] = await Promise.all([slow, new Promise((resolve) => setTimeout(resolve, left))]);
      report(`slow bodies were cut off after ${took.join(', ')} ms; ${elapsed(start)} in all`);
      for (const ms of took) expect(ms).toBeLessThan(BODY_MS);
      const known = await Promise.all(sids.map(isKnown));
      expect(known.filter(Boolean).length).toBe(0);
    },
    40_000,
  );

  test('a body of 5 MB is rejected, and a binary one too', async () => {
    const big = await fetch(pollingUrl(`&sid=${await handshake()}`), {
      method: 'POST',
      body: `4${'x'.repeat(5_000_000)}`,
    }).then(
      ({ status }) => status,
      () => 413, // the server may close the connection before the body is sent
    );
    expect(big).toBe(413);
    const sid = await handshake();
    await fetch(pollingUrl(`&sid=${sid}`), { method: 'POST', body: 'bAQID' });
    expect(await isKnown(sid)).toBe(false);
  });

  test('a device that uses long polling works like any other', async () => {
    const device = await usher.device('poll', 'poll-tv', { transports: ['polling'] });
    await usher.backOffice.publish([{ userId: 'poll', type: 'note.one', tier: 'critical', data: {} }]);
    await device.waitFor('note.one');
    expect(await device.heartbeat({})).toMatchObject({ ok: true });
  });
});
