import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { testOfDirectSockets } from '../../support/direct-sockets.js';
import type { Device } from '../../support/drivers/device.js';
import { openRawDevice, openRawSocket, type RawSocket } from '../../support/drivers/raw-socket.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { nestedJson } from '../../support/invalid-input.js';
import { metric } from '../../support/metric.js';

/** Frames that no real client sends must close the connection that sent them, and no other. It takes less than a second. */
const SOON_MS = 2_000;
const FLOOD = 2_000;

let usher: TestUsher;
let bystander: Device;
let unexpected: string | undefined;
beforeAll(async () => {
  usher = await startUsher({ LOG_LEVEL: 'warn' });
  bystander = await usher.device('bystander', 'bystander-tv');
  bystander.socket.on('disconnect', (reason) => (unexpected = reason));
});
afterAll(() => usher.stop());

const openDevice = async (userId: string): Promise<RawSocket> =>
  openRawDevice(usher.url, await usher.token(userId), `${userId}-tv`);

const waitUntilOnlyBystander = (userId: string) =>
  eventually(
    `${userId} is no longer connected`,
    async () => (await metric(usher, 'usher_connections')) === 1,
  );

describe('an invalid frame closes its connection:', () => {
  test.each([
    ['of 1.1 MB', `42["playback.heartbeat",{"pad":"${'x'.repeat(1_100_000)}"}]`],
    ['20,000 levels deep', `42["playback.heartbeat",${nestedJson(20_000)}]`],
    ['without a type', '4'],
    ['of an unknown packet type', '49["x"]'],
    ['with a reserved name', '42["disconnect",{}]'],
    ['of another namespace', '42/admin,["playback.heartbeat",{}]'],
    ['with binary attachments that never come', '451-["x",{"_placeholder":true,"num":0}]'],
    [
      'with ten binary attachments',
      `4510-["x",${'{"_placeholder":true,"num":0},'.repeat(9)}{"_placeholder":true,"num":9}]`,
    ],
    ['that is a binary acknowledgement', '461-0[{"_placeholder":true,"num":0}]'],
    ['of binary data', Buffer.from([1, 2, 3])],
    ['that is a ping, which only the server sends', '2'],
    ['that disconnects the namespace but keeps the connection', '41'],
  ])('one %s', async (name, frame) => {
    const socket = await openDevice('mallory');
    socket.send(frame);
    await socket.closed(SOON_MS);
    await waitUntilOnlyBystander(name);
  });

  test('one of text that is not UTF-8', async () => {
    const closed = await sendTextFrame(Buffer.from([0x34, 0x32, 0xc3, 0x28]));
    expect(closed).toBe(1007);
  });

  test('one before the handshake', async () => {
    const socket = await openRawSocket(usher.url);
    socket.send('451-["x",{"_placeholder":true,"num":0}]');
    await socket.closed(SOON_MS);
  });
});

describe('a flood of frames closes its connection:', () => {
  async function floodsWith(name: string, frame: string): Promise<void> {
    const socket = await openDevice('mallory');
    for (let n = 0; n < FLOOD; n += 1) socket.send(frame);
    await socket.closed(SOON_MS);
    await waitUntilOnlyBystander(name);
  }

  test.each([
    ['unsolicited pongs', '3'],
    ['empty packets', '6'],
    ['upgrade packets', '5'],
    ['second handshakes', '40/nowhere,{}'],
    ['events without a listener', '42["nobody-listens",{}]'],
    ['heartbeats', '42["playback.heartbeat",{}]'],
  ])('of %s', floodsWith);

  testOfDirectSockets('of acknowledgements of what was never sent', () =>
    floodsWith('acknowledgements', '43999999[]'),
  );

  testOfDirectSockets('of WebSocket pings', async () => {
    const socket = await openDevice('mallory');
    for (let n = 0; n < FLOOD; n += 1) socket.ping();
    await socket.closed(SOON_MS);
    await waitUntilOnlyBystander('the one that pinged');
  });

  test('before the handshake', async () => {
    const socket = await openRawSocket(usher.url);
    for (let n = 0; n < FLOOD; n += 1) socket.send('6');
    await socket.closed(SOON_MS);
  });
});

test('a device that acknowledges hundreds of events, each twice because it was sent twice, is not disconnected', async () => {
  const eager = await usher.device('eager', 'eager-tv', { acks: false });
  const waiting: (() => void)[] = [];
  eager.socket.onAny((_event: string, _payload: unknown, ack?: () => void) => {
    if (ack) waiting.push(ack);
  });
  const events = Array.from({ length: 100 }, (_, n) => ({
    userId: 'eager',
    type: 'note.many',
    tier: 'important',
    data: { n },
  }));
  for (let round = 0; round < 4; round += 1) await usher.backOffice.publish(events);
  await eventually('every event arrived twice', () => waiting.length === 800, 12_000);
  for (const ack of waiting) ack();
  expect(await eager.heartbeat({})).toMatchObject({ ok: true });
  expect(eager.socket.connected).toBe(true);
  eager.close();
}, 20_000);

test('other devices are not affected', async () => {
  expect(unexpected).toBeUndefined();
  expect(await bystander.heartbeat({})).toMatchObject({ ok: true });
  expect(usher.exited).toBeUndefined();
});

/** Sends one text frame of these bytes by hand, since `ws` would refuse. Returns the code of the server's close frame. */
function sendTextFrame(text: Buffer): Promise<number> {
  const { hostname, port } = new URL(usher.url);
  const head = [
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
    `Host: ${hostname}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  // A mask of zeros leaves the bytes as they are.
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(`${head.join('\r\n')}\r\n\r\n`));
    socket.once('data', () => socket.write(frame));
    socket.on('data', (data) => chunks.push(data));
    socket.on('error', reject);
    socket.on('close', () => {
      const all = Buffer.concat(chunks);
      resolve(all.readUInt16BE(all.lastIndexOf(0x88) + 2));
    });
  });
}
