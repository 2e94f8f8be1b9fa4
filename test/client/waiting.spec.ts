import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import {
  failuresAfterConnection,
  MAX_DELAY_MS,
  MAX_RETRY_AFTER_MS,
  maxJitterMs,
  retryDelayMs,
} from '../../clients/web/src/backoff.js';
import { UsherError } from '../../clients/web/src/errors.js';
import { startHeartbeatLoop } from '../../clients/web/src/heartbeat-loop.js';
import { PositionStore } from '../../clients/web/src/position-store.js';
import { Resync } from '../../clients/web/src/resync.js';
import { Timers } from '../../clients/web/src/timers.js';
import { readTokenSubject } from '../../clients/web/src/token.js';
import { Disk } from './device.js';
import { tokenFor } from './pretend.js';

/** A player with one show, whose beats are answered so. */
function start(answer: () => Promise<{ nextSeconds: number }>) {
  const player = {
    state: 'playing' as 'playing' | 'paused',
    broken: false,
    sent: [] as string[],
    complaints: [] as unknown[],
  };
  const stop = startHeartbeatLoop({
    timers: new Timers(),
    timerName: 'player',
    getBeat: () => {
      if (player.broken) throw new Error('no media');
      return { showId: 's', positionSeconds: 1, durationSeconds: 2, state: player.state };
    },
    sendBeat: (beat) => {
      player.sent.push(beat.state);
      return answer();
    },
    getIntervalSeconds: () => 60,
    onError: (error) => void player.complaints.push(error),
  });
  return { player, stop, pass: (seconds: number) => jest.advanceTimersByTimeAsync(seconds * 1_000) };
}

describe('backoff', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  test('a wait is random over its whole span, grows to 30 s, and is never less than the server asked', () => {
    fc.assert(
      fc.property(fc.nat(5_000), random, fc.nat(600_000), (attempt, dice, asked) => {
        const wait = retryDelayMs(attempt, () => dice, asked);
        expect(wait).toBeGreaterThanOrEqual(asked);
        expect(wait).toBeLessThanOrEqual(asked + maxJitterMs(attempt));
        expect(maxJitterMs(attempt)).toBeLessThanOrEqual(MAX_DELAY_MS);
      }),
    );
    expect([0, 1, 2, 3, 4, 5, 99].map(maxJitterMs)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
    expect(retryDelayMs(3, () => 0)).toBe(0);
  });

  test('waits start small again only after a connection that lasted', () => {
    expect(failuresAfterConnection(9_999, 4)).toBe(4);
    expect(failuresAfterConnection(10_000, 4)).toBe(0);
  });

  test('a nonsensical request of the server neither silences a device for days nor wakes it at once', () => {
    for (const asked of [Number.NaN, -5, Infinity]) expect(retryDelayMs(0, () => 0.5, asked)).toBe(500);
    expect(retryDelayMs(0, () => 0, 2 ** 40)).toBe(MAX_RETRY_AFTER_MS);
  });
});

describe('positions', () => {
  test('no two of server, user and device share a name, whatever they are called', () => {
    const name = fc.string({ unit: fc.constantFrom('a', ':', '%', '/', '.'), minLength: 1, maxLength: 5 });
    const owner = fc.tuple(name, name, name);
    fc.assert(
      fc.property(owner, owner, (one, other) => {
        fc.pre(one.join(' ') !== other.join(' '));
        const disk = new Disk();
        new PositionStore(disk, one[0], one[1]).save(one[2], { epoch: 'e', offset: 1 });
        expect(new PositionStore(disk, other[0], other[1]).load(other[2])).toBeUndefined();
        expect(new PositionStore(disk, one[0], one[1]).load(one[2])).toEqual({ epoch: 'e', offset: 1 });
      }),
      {
        examples: [
          [
            ['u', 'c', 'a:b'],
            ['u', 'b:c', 'a'],
          ],
        ],
      },
    );
  });

  test('what is not a position is none, and a storage that refuses is survived', () => {
    const disk = new Disk();
    const positions = new PositionStore(disk, 'u', 'd');
    positions.save('ann', { epoch: 'e', offset: 1 });
    const [name = ''] = disk.items.keys();
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{"epoch":1,"offset":1}',
      '{"epoch":"e","offset":1.5}',
      '{"epoch":"e","offset":-1}',
    ]) {
      disk.items.set(name, text);
      expect(positions.load('ann')).toBeUndefined();
    }
    disk.setItem = () => {
      throw new Error('full');
    };
    expect(positions.save('ann', { epoch: 'e', offset: 1 })).toBe(false);
  });

  test('the user is read from a token, and from nothing that is none', () => {
    expect(readTokenSubject(tokenFor('ünal:1'))).toBe('ünal:1');
    for (const junk of ['', 'abc', 'a.b.c', 'a.e30.c', 'a.bnVsbA.c'])
      expect(readTokenSubject(junk)).toBeUndefined();
  });
});

describe('with time in our hands', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  test('one sync is in flight at a time; unanswered it is sent again, and then the line is given up', async () => {
    const sent: unknown[] = [];
    const givenUp: UsherError[] = [];
    const position = { epoch: 'e', offset: 3 };
    const send = (at: unknown) => {
      sent.push(at);
      return new Promise<never>(() => undefined);
    };
    const resync = new Resync({
      timers: new Timers(),
      random: () => 0,
      getPosition: () => position,
      sendSync: send,
      onGiveUp: (error) => void givenUp.push(error),
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
    expect(givenUp.map((why) => why.code)).toEqual(['timeout']);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('stopped timers never fire, and none starts after', () => {
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

  describe('a player', () => {
    test('beats first after a minute, then as often as the server asks, until it is stopped', async () => {
      const { player, stop, pass } = start(async () => ({ nextSeconds: 120 }));
      await pass(59);
      expect(player.sent).toHaveLength(0);
      await pass(1);
      expect(player.sent).toHaveLength(1);
      await pass(119);
      expect(player.sent).toHaveLength(1);
      await pass(1);
      expect(player.sent).toHaveLength(2);
      stop();
      await pass(1_000);
      expect(player.sent).toHaveLength(2);
      expect(jest.getTimerCount()).toBe(0);
    });

    test('tells a pause once, and nothing before it ever played', async () => {
      const { player, pass, stop } = start(async () => ({ nextSeconds: 60 }));
      player.state = 'paused';
      await pass(120);
      player.state = 'playing';
      await pass(60);
      player.state = 'paused';
      await pass(180);
      expect(player.sent).toEqual(['playing', 'paused']);
      stop();
    });

    test('goes on beating when the player throws, and slower when the server is overloaded', async () => {
      const later = new UsherError('overloaded', 'later', true, 300_000);
      const { player, pass, stop } = start(() => Promise.reject(later));
      player.broken = true;
      await pass(60);
      expect(player.complaints.map(String)).toEqual(['Error: no media']);
      player.broken = false;
      await pass(60);
      expect(player.sent).toHaveLength(1);
      await pass(299);
      expect(player.sent).toHaveLength(1);
      await pass(1);
      expect(player.sent).toHaveLength(2);
      stop();
    });
  });
});
