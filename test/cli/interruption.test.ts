import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, createReadStream, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { CommandLine } from '../support/drivers/command-line.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { eventually } from '../support/eventually.js';

/** A program that does not end when it is asked to. The file in its folder is open as long as it lives. */
const STUBBORN = `
require('node:fs').openSync(require('node:path').join(__dirname, 'alive'), 'w');
process.on('SIGINT', () => console.log('asked to end'));
setInterval(() => undefined, 1e6);
console.log('builds');
`;
const project = fileURLToPath(new URL('../../', import.meta.url));

let usher: TestUsher;
let line: CommandLine;
let folder: string;
let started: ChildProcess | undefined;
beforeAll(async () => {
  usher = await startUsher();
  line = new CommandLine(usher.url);
  folder = mkdtempSync(join(tmpdir(), 'usher-interruption-'));
});
afterEach(() => {
  // What a test that fails has left behind is in the group of what it started.
  try {
    if (started?.pid !== undefined) process.kill(-started.pid, 'SIGKILL');
  } catch {
    // Nothing is left.
  }
});
afterAll(async () => {
  line.close();
  rmSync(folder, { recursive: true, force: true });
  await usher.stop();
});

/** Starts a command as a process. `isGone` resolves when nobody has its output any more: neither it nor what it started. */
function start(command: string, args: readonly string[]) {
  const environment = { PATH: process.env.PATH, HOME: line.home, ...line.env };
  const child = spawn(command, args, {
    cwd: project,
    env: { ...environment, USHER_DATABASE_URL: usher.database.url },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started = child;
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return {
    child,
    isGone: once(child, 'close'),
    printed: (text: string) => eventually(`it printed ${text}`, () => said.includes(text), 20_000),
  };
}

test.each(['SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
  'a command ends with the npx that started it, when that gets %s',
  async (signal) => {
    const listening = start('npx', ['usher', 'listen', 'ada', '--device', signal, '--platform', 'tv']);
    await listening.printed(`connected as ${signal}`);
    listening.child.kill(signal);
    await listening.isGone;
  },
  30_000,
);

test('a second signal ends what a command has started and does not end by itself, and leaves no keys behind', async () => {
  const [dbt, alive] = [join(folder, 'dbt'), join(folder, 'alive')];
  await once(spawn('mkfifo', [alive]), 'exit');
  writeFileSync(dbt, `#!${process.execPath}\n${STUBBORN}`);
  chmodSync(dbt, 0o755);
  const isDbtGone = once(createReadStream(alive).resume(), 'end');
  const file = join(folder, 'warehouse.duckdb');
  const running = start(process.execPath, [
    join(project, 'clients/cli/bin/usher.js'),
    ...['warehouse', 'run', '--dbt', dbt, '--file', file, '--project', folder],
  ]);
  await running.printed('builds');
  expect(existsSync(`${file}.keys`)).toBe(true);
  running.child.kill('SIGTERM');
  await running.printed('asked to end');
  running.child.kill('SIGTERM');
  await Promise.all([running.isGone, isDbtGone]);
  expect(existsSync(`${file}.keys`)).toBe(false);
}, 30_000);
