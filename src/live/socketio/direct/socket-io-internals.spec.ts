import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type EngineTransport, packetReader, readPackets } from './socket-io-internals.js';

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
  const onPacket = packetReader({
    onevent: ({ data }) => got.push(['event', data]),
    onack: ({ id }) => got.push(['ack', id]),
  });
  readPackets(transport, { conn } as never, onPacket);
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
