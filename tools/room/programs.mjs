/*
 * The devices and the publisher of the room: each is a process with a line (a TCP proxy) of its own. It gets orders on its standard input
 * and writes lines to its standard output, both JSON, one a line; other output is ignored. When its input ends, it closes and exits.
 *
 *   a device's orders                                     its lines
 *   {"do":"sign-in","user":"ann"}  (closes the client     {"ready":true}
 *     before, and keeps the storage)                      {"user":"ann","connection":"live"}
 *   {"do":"beat","show":"web","position":600}             {"user":"ann","heard":{"offset":5,"n":3}}   (events of the type `note`)
 *   {"do":"report"}                                       {"user":"ann","refused":"code"}   {"user":"ann","failure":"code"}
 *                                                         {"report":{"user","connection","position","entries":[offset],"membership":version,"playback":[[show,position]]}}
 *
 *   the publisher's orders                                its lines
 *   {"publish":[event of the contract]}                   {"ready":true}
 *                                                         {"accepted":[{"n":3,"offset":5}]}
 *
 * The environment: ROOM_URL (where Usher is), ROOM_TOKENS (where tokens are: `?user=ann` is added), ROOM_DEVICE (the device's id), ROOM_QUIET=1
 * (no `heard` lines), and for the publisher ROOM_KEY. A `room.sh` exits with 77 after one line that says which toolchain is missing.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { project } from '../places.mjs';
import { startServer, stopServer } from '../processes.mjs';
import { chromiumPath } from '../test.mjs';

const SKIPPED = 77;
/** The first run of a client compiles it. */
const READY_WITHIN_MS = 10 * 60_000;

const ownScript = (name) => ({ command: process.execPath, args: [join(project, 'tools', 'room', name)] });

/** Returns `[{ name, command, args }]`: how each device is started. One without a command lacks what `missing` says. */
export function findDevices() {
  const browser = chromiumPath();
  return [
    { name: 'node', ...ownScript('node-device.mjs') },
    browser === null
      ? { name: 'browser', missing: 'Chromium is missing (or name one in CHROMIUM_PATH)' }
      : { name: 'browser', ...ownScript('browser-device.mjs'), environment: { CHROMIUM_PATH: browser } },
    clientScript('kotlin'),
    clientScript('swift'),
  ];
}

/** How the publisher is started: the Python client, and where that is missing a few lines of Node. */
export function findPublishers() {
  return [clientScript('python'), { name: 'publisher', ...ownScript('node-publisher.mjs') }];
}

/** How `clients/<name>/room.sh` is started. */
export function clientScript(name) {
  const command = join(project, 'clients', name, 'room.sh');
  return existsSync(command) ? { name, command, args: [] } : { name, missing: `clients/${name} is missing` };
}

/**
 * Starts a process of the room and waits until it is ready. `onLine` gets each of its lines. Returns `{ order, isRunning, pid, stop }`, or
 * `{ missing }`: a sentence that says which toolchain is missing. Throws if it ends or is not ready in time.
 */
export async function startInRoom(program, environment, onLine, signal) {
  if (program.missing) return { missing: program.missing };
  const server = startServer(program.command, program.args, {
    cwd: project,
    env: { ...process.env, ...environment, ...program.environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin, stdout } = server.child;
  stdin.on('error', () => {}); // it has ended, which `exited` says
  let last = '';
  let markReady;
  const ready = new Promise((resolve) => (markReady = resolve));
  createInterface({ input: stdout }).on('line', (text) => {
    last = text;
    const line = text.startsWith('{') ? JSON.parse(text) : null;
    if (line?.ready) markReady();
    else if (line) onLine(line);
  });
  const stop = async () => {
    stdin.end();
    await Promise.race([server.exited, sleep(5_000, undefined, { ref: false })]);
    await stopServer(server, [
      ['SIGTERM', 3_000],
      ['SIGKILL', 3_000],
    ]);
    endGroup(server.pid); // what its script started
  };
  const late = sleep(READY_WITHIN_MS, { late: true }, { signal, ref: false }).catch(() => ({ late: true }));
  const outcome = await Promise.race([ready, server.exited, late]);
  if (outcome === undefined) {
    const order = (order) => void stdin.write(`${JSON.stringify(order)}\n`);
    return { order, isRunning: server.isRunning, pid: server.pid, stop };
  }
  await stop();
  if (outcome.code === SKIPPED) return { missing: last.replace(/^skipped: /, '') };
  throw new Error(
    `${program.name} ${outcome.late ? 'was not ready in time' : 'ended before it was ready'}: ${last}`,
  );
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing is left of it.
  }
}
