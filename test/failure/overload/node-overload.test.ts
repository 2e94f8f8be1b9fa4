import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

/** A node whose event loop is delayed again and again, as on an overloaded machine. */
let usher: TestUsher;
let other: TestUsher;
let stop = false;
let delaying: Promise<void> = Promise.resolve();

beforeAll(async () => {
  usher = await startUsher({ HEARTBEAT_SECONDS: '10' });
  other = await usher.another();
});
afterAll(async () => {
  stop = true;
  await delaying;
  await usher.stop();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** Stops the process for longer than the overload threshold, and lets it run before its devices time out. */
async function delayEventLoop(): Promise<void> {
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
    const otherDevice = await other.device('ann', 'ann-phone');
    expect((await device.heartbeat({})).nextSeconds).toBe(10);
    delaying = delayEventLoop();
    await eventually(
      'a longer heartbeat interval is asked for',
      async () => (await device.heartbeat({})).nextSeconds === 40,
      15_000,
    );
    expect(device.received.some(({ event }) => event === 'goaway')).toBe(false);
    const { reason, retryAfterMs } = await eventually(
      'the device receives goaway',
      () => device.received.find(({ event }) => event === 'goaway')?.payload,
      30_000,
    );
    expect(reason).toBe('overload');
    expect(Number(retryAfterMs)).toBeGreaterThanOrEqual(2_000);
    expect(otherDevice.received.some(({ event }) => event === 'goaway')).toBe(false);
    stop = true;
    await delaying;
    await eventually(
      'the heartbeat interval is normal again',
      async () => (await device.heartbeat({})).nextSeconds === 10,
    );
  }, 60_000);
});
