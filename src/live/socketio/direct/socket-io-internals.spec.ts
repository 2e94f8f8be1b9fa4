import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type EngineTransport, packetReaders, readPackets } from './socket-io-internals.js';

/** The versions whose insides socket-io-internals.ts was written against. */
const VERSIONS: Readonly<Record<string, string>> = {
  'socket.io': '4.8.3',
  'engine.io': '6.6.11',
  ws: '8.21.3',
};

/** A member that is not public, the file of the library that explains it, and what Usher relies on. */
const MEMBERS: [library: string, file: string, member: string, promise: string][] = [
  ['socket.io', 'dist/socket.js', 'onevent', 'called with each EVENT packet, as a method of the socket'],
  ['socket.io', 'dist/socket.js', 'onack', 'called with each ACK packet, as a method of the socket'],
  ['socket.io', 'dist/socket.js', 'handshake', 'not read any more once the socket is connected'],
  ['engine.io', 'build/socket.js', 'request', 'not read any more once the WebSocket is open'],
  ['engine.io', 'build/socket.js', 'writeBuffer', 'empty when no packet waits; a new array with each flush'],
  ['engine.io', 'build/socket.js', 'upgrading', 'true while a polling device changes to WebSocket'],
  ['engine.io', 'build/socket.js', 'transport', 'replaced by an upgrade'],
  ['engine.io', 'build/transports/websocket.js', 'socket', 'the WebSocket of ws'],
  ['engine.io', 'build/socket.js', 'pingTimeoutTimer', 'null unless a ping is not answered'],
  [
    'engine.io',
    'build/socket.js',
    'hasRefreshedPingTimeout',
    'set by the first packet after a ping that is no pong',
  ],
  ['engine.io', 'build/transport.js', 'onPacket', 'called as a method with each packet; emits `packet`'],
  ['engine.io', 'build/transport.js', 'onClose', 'ends the connection without waiting for the device'],
  ['ws', 'lib/websocket.js', '_socket', 'the TCP socket; what is written to it is sent as it is'],
  ['ws', 'lib/websocket.js', '_receiver', 'its `write` gets each chunk that was read, as a method'],
  ['ws', 'lib/receiver.js', '_state', '0 (GET_INFO) before a frame'],
  ['ws', 'lib/receiver.js', '_bufferedBytes', 'bytes that were taken and belong to no complete frame'],
  ['ws', 'lib/receiver.js', '_fragmented', '0 unless a message has come in part'],
  [
    'ws',
    'lib/sender.js',
    'sendFrame',
    'writes to the TCP socket at once when nothing is compressed, whether or not that is writable',
  ],
];

/** The directories of the installed packages: each as the one before it loads it. */
function packageDirectories(): Record<string, string> {
  const directories: Record<string, string> = {};
  let parent = import.meta.url;
  for (const name of Object.keys(VERSIONS)) {
    const main = createRequire(parent).resolve(name);
    const folder = join('node_modules', name);
    directories[name] = main.slice(0, main.lastIndexOf(folder) + folder.length);
    parent = main;
  }
  return directories;
}

const directories = packageDirectories();
const read = (name: string, file: string): string =>
  readFileSync(join(directories[name] ?? '', file), 'utf8');

test('the installed socket.io, engine.io and ws are those whose private members are used', () => {
  const moved = Object.entries(VERSIONS).flatMap(([name, expected]) => {
    const { version } = JSON.parse(read(name, 'package.json')) as { version: string };
    return version === expected ? [] : [`${name} is ${version}, not ${expected}`];
  });
  if (moved.length === 0) return;
  const members = MEMBERS.map(([name, file, member, promise]) => `  ${name}/${file}: ${member}, ${promise}`);
  throw new Error(
    [
      `${moved.join('; ')}. src/live/socketio/direct/socket-io-internals.ts uses these private members:`,
      ...members,
      'Read the changes of these files, run the stories in test/story and test/failure, then enter the new versions in this spec.',
      'Until then SOCKETS=stock does without them.',
    ].join('\n'),
  );
});

test.each(MEMBERS)('%s has, in %s, the member %s: %s', (name, file, member) => {
  expect(read(name, file)).toMatch(new RegExp(`\\b${member}\\b`));
});

/** A transport of Engine.IO whose device owes the answer to a ping, and what the handlers and Engine.IO got of it. */
function transportOwingPong() {
  const got: unknown[] = [];
  let refreshed = 0;
  const conn = {
    readyState: 'open',
    hasRefreshedPingTimeout: false,
    pingTimeoutTimer: { refresh: () => (refreshed += 1) },
  };
  const transport = Object.create({
    onPacket: (packet: unknown) => got.push(['Engine.IO', packet]),
  }) as EngineTransport;
  const readers = packetReaders({
    onevent: ({ data }) => got.push(['event', data]),
    onack: ({ id }) => got.push(['ack', id]),
  });
  readPackets(transport, { conn } as never, readers);
  return { transport, conn, got, refreshed: () => refreshed };
}

test('a device that sends something in place of its answer to a ping has the time for that once more, and not again', () => {
  const { transport, refreshed } = transportOwingPong();
  transport.onPacket({ type: 'message', data: '37[]' });
  transport.onPacket({ type: 'message', data: '2["sync",{}]' });
  expect(refreshed()).toBe(1);
});

test('events and acknowledgements go to the handlers, everything else and what comes after the end to Engine.IO', () => {
  const { transport, conn, got } = transportOwingPong();
  const others = [
    { type: 'pong' },
    { type: 'message', data: Buffer.from('x') },
    { type: 'message', data: '1' },
  ];
  transport.onPacket({ type: 'message', data: '37[]' });
  transport.onPacket({ type: 'message', data: '2["sync",{}]' });
  for (const other of others) transport.onPacket(other);
  conn.readyState = 'closed';
  transport.onPacket({ type: 'message', data: '38[]' });
  expect(got).toEqual([
    ['ack', 7],
    ['event', ['sync', {}]],
    ...others.map((other) => ['Engine.IO', other]),
    ['Engine.IO', { type: 'message', data: '38[]' }],
  ]);
});

/** A receiver of ws, as its server makes them. */
type Receiver = NodeJS.EventEmitter & { write(chunk: Buffer): boolean };
const { Receiver } = createRequire(
  createRequire(createRequire(import.meta.url).resolve('socket.io')).resolve('engine.io'),
)('ws') as {
  Receiver: new (options: { isServer: boolean; maxPayload: number }) => Receiver;
};

interface TestFrame {
  readonly payload: string;
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly mask: readonly number[];
}

/** A masked frame, as clients write them; a character of its payload is a byte. */
function encodeFrame({ payload, opcode, isFinal, mask }: TestFrame): Buffer {
  const masked = [...Buffer.from(payload, 'latin1')].map((byte, n) => byte ^ (mask[n % 4] ?? 0));
  const length =
    masked.length < 126 ? [0x80 | masked.length] : [0x80 | 126, masked.length >> 8, masked.length & 0xff];
  return Buffer.from([(isFinal ? 0x80 : 0) | opcode, ...length, ...mask, ...masked]);
}

/** What a receiver makes of the chunks, and which acknowledgements were read before it; `conn` is Engine.IO's socket, if they may be. */
function received(chunks: readonly Buffer[], conn?: { readyState: string; pingTimeoutTimer: null }) {
  const receiver = new Receiver({ isServer: true, maxPayload: 1_000 });
  const got: string[] = [];
  for (const event of ['message', 'ping', 'error', 'conclude'])
    receiver.on(event, (data: unknown) => got.push(event === 'message' ? String(data) : event));
  const onack = ({ id }: { id: number }) => got.push(`43${id}[]`);
  const readers = packetReaders({ onevent: () => undefined, onack });
  if (conn) readPackets({ socket: { _receiver: receiver } } as never, { conn } as never, readers);
  let isOver = false;
  receiver.on('error', () => (isOver = true)).on('conclude', () => (isOver = true));
  for (const chunk of chunks) if (!isOver) receiver.write(Buffer.from(chunk));
  return got;
}

const ackText = fc.bigInt(0n, 10n ** 16n).map((id) => `43${id}[]`);
const otherText = fc.constantFrom(
  '3',
  '42["sync",{}]',
  '43[]',
  '43x[]',
  '431[',
  '431[1]',
  '40',
  '',
  `42["a","${'x'.repeat(150)}"]`,
);
const testFrame = fc.record({
  payload: fc.oneof({ arbitrary: ackText, weight: 3 }, otherText),
  opcode: fc.constantFrom(1, 1, 1, 1, 0, 9, 8, 2),
  isFinal: fc.constantFrom(true, true, true, false),
  mask: fc.array(fc.nat({ max: 255 }), { minLength: 4, maxLength: 4 }),
});

/** Cut at, and shortly before and after, the beginnings of frames: a whole frame, a part of a head, a head without its payload. */
function cutNear(
  frames: readonly Buffer[],
  cuts: readonly (readonly [frame: number, by: number])[],
): Buffer[] {
  const bytes = Buffer.concat(frames);
  const starts = frames.map((_, n) => Buffer.concat(frames.slice(0, n)).length);
  const at = cuts.map(([n, by]) =>
    Math.min(Math.max(0, (starts[n % starts.length] ?? 0) + by), bytes.length),
  );
  const ends = [...at.toSorted((a, b) => a - b), bytes.length];
  return ends.map((end, n) => bytes.subarray(ends[n - 1] ?? 0, end));
}

test('acknowledgements are read as ws reads them, however the frames are cut, and all else is left to ws, in order', () => {
  const cut = fc.tuple(fc.nat({ max: 5 }), fc.constantFrom(0, 0, 0, 1, 2, 6, 7, -1));
  fc.assert(
    fc.property(fc.array(testFrame, { maxLength: 6 }), fc.array(cut, { maxLength: 8 }), (frames, cuts) => {
      const chunks = cutNear(frames.map(encodeFrame), cuts);
      // Socket.IO takes an id with zeros before it for the number that it is.
      const numbered = (texts: string[]) =>
        texts.map((text) => text.replace(/^43(\d{1,15})\[\]$/, (_, id) => `43${Number(id)}[]`));
      const conn = { readyState: 'open', pingTimeoutTimer: null };
      expect(numbered(received(chunks, conn))).toEqual(numbered(received(chunks)));
    }),
    { numRuns: 1_000 },
  );
});

test('what looks like an acknowledgement within a message is none', () => {
  const mask = [0, 0, 0, 0];
  const ack = encodeFrame({ payload: '4312[]', opcode: 1, isFinal: true, mask }).toString('latin1');
  const message = encodeFrame({ payload: ack, opcode: 2, isFinal: true, mask });
  const head = message.length - ack.length;
  const conn = { readyState: 'open', pingTimeoutTimer: null };
  expect(received([message.subarray(0, head), message.subarray(head)], conn)).not.toContain('4312[]');
});

test('a whole acknowledgement never reaches ws, and one of a connection that has ended does', () => {
  const ack = encodeFrame({ payload: '4312[]', opcode: 1, isFinal: true, mask: [1, 2, 3, 4] });
  const readBy = (readyState: string) => {
    const receiver = new Receiver({ isServer: true, maxPayload: 1_000 });
    const got: string[] = [];
    receiver.on('message', () => got.push('ws'));
    const readers = packetReaders({ onevent: () => undefined, onack: ({ id }) => got.push(`ack ${id}`) });
    readPackets(
      { socket: { _receiver: receiver } } as never,
      { conn: { readyState, pingTimeoutTimer: null } } as never,
      readers,
    );
    receiver.write(Buffer.concat([ack, ack]));
    return got;
  };
  expect([readBy('open'), readBy('closed')]).toEqual([
    ['ack 12', 'ack 12'],
    ['ws', 'ws'],
  ]);
});
