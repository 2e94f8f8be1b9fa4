import { describe, expect, test } from '@jest/globals';
import { type BackpressureState, readState, SLOW_BYTES, updateBackpressure } from './backpressure.js';

type Step = readonly [bufferedBytes: number, sentBytes: number, acknowledged?: number];

/** The read state at each check, one a second. */
function readStates(count: number, step: (second: number) => Step): string[] {
  let state: BackpressureState | undefined;
  return Array.from({ length: count }, (_, second) => {
    const [bufferedBytes, sentBytes, acknowledged = 0] = step(second);
    const now = second * 1_000;
    state = updateBackpressure(state, { bufferedBytes, sentBytes, acknowledged, now });
    return readState(state, now);
  });
}

describe('a device that has not read everything', () => {
  test('is fine while it is only a little behind, for however long, as long as it reads', () => {
    expect(readStates(60, (second) => [SLOW_BYTES, second])).not.toContain('slow');
  });

  test('is slow when it stays far behind for five seconds, though it reads', () => {
    expect(readStates(8, (second) => [SLOW_BYTES + 1, second]).indexOf('slow')).toBe(5);
  });

  test('is fine however much there is to read, while that becomes less', () => {
    const history = 4 * SLOW_BYTES;
    const perCheck = 10_000;
    const states = readStates(90, (second) => [history - second * perCheck, second * perCheck]);
    expect(new Set(states)).toEqual(new Set(['fine']));
  });

  test('is slow when more is added than it reads', () => {
    const states = readStates(20, (second) => [2 * SLOW_BYTES + second * 1_000, second * 64_000]);
    expect(states.indexOf('slow')).toBe(5);
  });

  test('is fine again once it has read everything', () => {
    const states = readStates(30, (second) => [second % 5 === 4 ? 0 : SLOW_BYTES + 1, second]);
    expect(states).not.toContain('slow');
  });

  test('is stuck when its network took nothing for twenty seconds, however little is unread', () => {
    expect(readStates(25, () => [1, 100]).indexOf('stuck')).toBe(20);
    expect(readStates(60, (second) => [1, second])).not.toContain('stuck');
  });

  test('is not stuck while it acknowledges what the buffers on the way held', () => {
    expect(readStates(60, (second) => [1, 100, second])).not.toContain('stuck');
  });
});
