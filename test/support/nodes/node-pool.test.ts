import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { lendNode } from './lent-node.js';
import { NodePool } from './node-pool.mjs';

/** A server in which a setting says what it does. */
const SERVER = `
exports.bootFromEnvironment = async () => {
  console.log('boots with', process.env.NAME, process.env.SECRET);
  if (process.env.NAME === 'faulty') process.exit(1);
  const timer = setInterval(() => undefined, 1_000);
  return { close: async () => process.env.NAME === 'untidy' || clearInterval(timer) };
};`;

const pool = new NodePool();
let url: string;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'usher-pool-'));
  writeFileSync(join(folder, 'server.cjs'), SERVER);
  url = await pool.start();
});
afterAll(async () => {
  await pool.stop();
  rmSync(folder, { recursive: true });
});

const lend = (environment: Record<string, string>) => lendNode(url, join(folder, 'server.cjs'), environment);

describe('a process that runs one node after the other', () => {
  test('gives each its own environment and log', async () => {
    const first = await lend({ NAME: 'first', SECRET: 'of the first' });
    await first.close();
    const second = await lend({ NAME: 'second' });
    expect(second.pid).toBe(first.pid);
    expect(second.log()).toBe('boots with second undefined\n');
    await second.close();
    expect(first.log()).toBe('boots with first of the first\n');
    expect([first.exited, second.exited]).toEqual(['0', '0']);
  });

  test('runs one at a time', async () => {
    const [one, other] = await Promise.all([lend({ NAME: 'one' }), lend({ NAME: 'other' })]);
    expect(other.pid).not.toBe(one.pid);
    await Promise.all([one.close(), other.close()]);
  });

  test('runs none after one that left a timer behind', async () => {
    const untidy = await lend({ NAME: 'untidy' });
    await untidy.close();
    const next = await lend({ NAME: 'next' });
    expect(next.pid).not.toBe(untidy.pid);
    await next.close();
  });

  test('ends with a node that does not boot, and with one that is killed', async () => {
    await expect(lend({ NAME: 'faulty' })).rejects.toThrow('boots with faulty');
    const killed = await lend({ NAME: 'killed' });
    expect(killed.exited).toBeUndefined();
    await killed.kill('SIGKILL');
    expect(killed.exited).toBe('SIGKILL');
    expect((await lend({ NAME: 'next' })).pid).not.toBe(killed.pid);
  });
});
