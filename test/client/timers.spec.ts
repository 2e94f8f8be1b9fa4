import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { UsherError } from '../../clients/web/src/errors.js';
import { startHeartbeatLoop } from '../../clients/web/src/heartbeat-loop.js';
import { Resync } from '../../clients/web/src/resync.js';
import { Timers } from '../../clients/web/src/timers.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('a stopped timer never fires, and none can be set after the stop', () => {
  const fired: string[] = [];
  const timers = new Timers();
  timers.set('a', 10, () => void fired.push('a'));
  timers.set('a', 20, () => void fired.push('a again'));
  timers.set('b', 10, () => void fired.push('b'));
  timers.clear('b');
  jest.advanceTimersByTime(50);
  timers.set('c', 10, () => void fired.push('c'));
  timers.stop();
  timers.set('d', 10, () => void fired.push('d'));
  expect(jest.getTimerCount()).toBe(0);
  expect(fired).toEqual(['a again']);
});

test('one sync is in flight at a time; without a response it is repeated, and then the connection is given up', async () => {
  const sent: unknown[] = [];
  const errors: UsherError[] = [];
  const position = { epoch: 'e', offset: 3 };
  const resync = new Resync({
    timers: new Timers(),
    random: () => 0,
    getPosition: () => position,
    sendSync: (at) => {
      sent.push(at);
      return new Promise<never>(() => undefined);
    },
    onGiveUp: (error) => void errors.push(error),
  });
  for (let n = 0; n < 5; n++) resync.start();
  expect(sent).toEqual([position]);
  await jest.advanceTimersByTimeAsync(10_001);
  expect(sent).toHaveLength(2);
  resync.stop();
  await jest.advanceTimersByTimeAsync(60_000);
  expect(sent).toHaveLength(2);
  resync.start();
  await jest.advanceTimersByTimeAsync(120_000);
  expect(errors.map((error) => error.code)).toEqual(['timeout']);
  expect(jest.getTimerCount()).toBe(0);
});

describe('the heartbeat loop', () => {
  /** Starts the loop of a player with one show. */
  function start(respond: () => Promise<{ nextSeconds: number }>) {
    const player = {
      state: 'playing' as 'playing' | 'paused',
      isBroken: false,
      sent: [] as string[],
      errors: [] as unknown[],
    };
    const stop = startHeartbeatLoop({
      timers: new Timers(),
      timerName: 'player',
      getBeat: () => {
        if (player.isBroken) throw new Error('no media');
        return { showId: 's', positionSeconds: 1, durationSeconds: 2, state: player.state };
      },
      sendBeat: (beat) => {
        player.sent.push(beat.state);
        return respond();
      },
      getIntervalSeconds: () => 60,
      onError: (error) => void player.errors.push(error),
    });
    return { player, stop, advance: (seconds: number) => jest.advanceTimersByTimeAsync(seconds * 1_000) };
  }

  test('beats first after a minute, then as often as the server asks, until it is stopped', async () => {
    const { player, stop, advance } = start(async () => ({ nextSeconds: 120 }));
    await advance(59);
    expect(player.sent).toHaveLength(0);
    await advance(1);
    expect(player.sent).toHaveLength(1);
    await advance(119);
    expect(player.sent).toHaveLength(1);
    await advance(1);
    expect(player.sent).toHaveLength(2);
    stop();
    await advance(1_000);
    expect(player.sent).toHaveLength(2);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('sends a pause once, and nothing before the first playback', async () => {
    const { player, advance, stop } = start(async () => ({ nextSeconds: 60 }));
    player.state = 'paused';
    await advance(120);
    player.state = 'playing';
    await advance(60);
    player.state = 'paused';
    await advance(180);
    expect(player.sent).toEqual(['playing', 'paused']);
    stop();
  });

  test('does not report that the app closed the client', async () => {
    const { player, advance, stop } = start(() => Promise.reject(new UsherError('closed', 'closed', false)));
    await advance(60);
    expect(player.sent).toHaveLength(1);
    expect(player.errors).toEqual([]);
    stop();
  });

  test('goes on when the player throws, and slows down when the server is overloaded', async () => {
    const overloaded = new UsherError('overloaded', 'later', true, 300_000);
    const { player, advance, stop } = start(() => Promise.reject(overloaded));
    player.isBroken = true;
    await advance(60);
    expect(player.errors.map(String)).toEqual(['Error: no media']);
    player.isBroken = false;
    await advance(60);
    expect(player.sent).toHaveLength(1);
    await advance(299);
    expect(player.sent).toHaveLength(1);
    await advance(1);
    expect(player.sent).toHaveLength(2);
    stop();
  });
});
