import cluster from 'node:cluster';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import type { ProcessMessage } from './process-message.js';
import { type ProcessEnd, type ProcessObserver, SupervisedProcess } from './supervised-process.js';

/** Real processes, which do nothing but say that they are ready, speak when they are told to, and end when the test has ended. */
const PROGRAM = `
process.on('message', () => process.send({ usher: 'alive' }));
if (process.env.USHER_PROCESS === '1') process.send({ usher: 'ready' });
`;
const BOOTING = 2;

let folder: string;
let one: SupervisedProcess;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'usher-spec-'));
  const program = join(folder, 'program.cjs');
  writeFileSync(program, PROGRAM);
  cluster.setupPrimary({ exec: program, args: [], execArgv: [] });
});
afterEach(() => one.kill());
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts a process. Returns what it has done so far. */
function start(number: number) {
  const done: { ready?: true; spoke?: ProcessMessage; ended?: string } = {};
  const observer: ProcessObserver = {
    onReady: () => (done.ready = true),
    onMessage: (_, message) => (done.spoke = message),
    onEnd: (_, { how, isOrderly }) => (done.ended = `${how}${isOrderly ? ', in order' : ''}`),
  };
  one = new SupervisedProcess(number, cluster, observer);
  one.start();
  return done;
}

const check = (times: number) => Array.from({ length: times }, () => one.killIfStuck()).at(-1);

test('a process that serves is killed after six checks without a sign of life', async () => {
  const done = start(1);
  await eventually('it is ready', () => done.ready);
  expect(check(6)).toBe('fine');
  one.send({ usher: 'all-ready' });
  await eventually('it speaks', () => done.spoke);
  expect(check(6)).toBe('fine');
  expect(check(1)).toBe('killed');
  expect(await eventually('it ends', () => done.ended)).toBe('SIGKILL');
  expect([one.isRunning, one.isReady]).toEqual([false, false]);
});

test('a process that does not get ready is killed after twelve', async () => {
  const done = start(BOOTING);
  expect(check(12)).toBe('fine');
  expect(check(1)).toBe('killed');
  expect(await eventually('it ends', () => done.ended)).toBe('SIGKILL');
});

test('a process that ends by the signal that it was stopped with has ended in order', async () => {
  const done = start(1);
  await eventually('it is ready', () => done.ready);
  one.stop('SIGTERM');
  expect(await eventually('it ends', () => done.ended)).toBe('SIGTERM, in order');
});

test('a process that cannot be started is reported like one that ended, and does not end the primary', async () => {
  const ends: ProcessEnd[] = [];
  const noMemory = {
    fork: () => {
      throw new Error('spawn ENOMEM');
    },
  };
  const observer = {
    onReady: () => undefined,
    onMessage: () => undefined,
    onEnd: (_: unknown, end: ProcessEnd) => void ends.push(end),
  };
  one = new SupervisedProcess(1, noMemory, observer);
  one.start();
  await eventually('its end is reported', () => ends.length === 1);
  expect(ends[0]).toMatchObject({ how: 'spawn ENOMEM', isOrderly: false });
  expect(ends[0]?.restartMs).toBeGreaterThan(0);
  expect(one.isRunning).toBe(false);
});
