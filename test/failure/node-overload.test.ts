import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

/** A node whose event loop is late again and again, as on a machine that has too much to do. */
let usher: TestUsher;
let other: TestUsher;
let stop = false;
let straining: Promise<void> = Promise.resolve();

beforeAll(async () => {
  usher = await startUsher({ HEARTBEAT_SECONDS: '10' });
  other = await usher.another();
});
afterAll(async () => {
  stop = true;
  await straining;
  await usher.stop();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** Stopped for longer than `overload.ts` calls much, awake for less than its devices' patience. */
async function strain(): Promise<void> {
  while (!stop) {
    process.kill(usher.pid, 'SIGSTOP');
    await pause(700);
    process.kill(usher.pid, 'SIGCONT');
    await pause(350);
  }
}

describe('an overloaded node', () => {
  test('first asks for slower heartbeats, then sends goaway to some devices, spread over time', async () => {
    const device = await usher.device('ann', 'ann-tv');
    const calm = await other.device('ann', 'ann-phone');
    expect((await device.heartbeat({})).nextSeconds).toBe(10);
    straining = strain();
    await eventually(
      'beats are to come slower',
      async () => (await device.heartbeat({})).nextSeconds === 40,
      15_000,
    );
    expect(device.received.some(({ event }) => event === 'goaway')).toBe(false);
    const { reason, retryAfterMs } = await eventually(
      'it is sent away',
      () => device.received.find(({ event }) => event === 'goaway')?.payload,
      30_000,
    );
    expect(reason).toBe('overload');
    expect(Number(retryAfterMs)).toBeGreaterThanOrEqual(2_000);
    expect(calm.received.some(({ event }) => event === 'goaway')).toBe(false);
    stop = true;
    await straining;
    await eventually('beats are as before', async () => (await device.heartbeat({})).nextSeconds === 10);
  }, 60_000);
});
