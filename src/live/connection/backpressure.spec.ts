import { describe, expect, test } from '@jest/globals';
import { type BackpressureState, readState, SLOW_BYTES, updateBackpressure } from './backpressure.js';

/** The read state at each check, one a second; a step is [bytes buffered, bytes sent so far]. */
function readStates(count: number, step: (second: number) => readonly [number, number]): string[] {
  let state: BackpressureState | undefined;
  return Array.from({ length: count }, (_, second) => {
    const [bufferedBytes, sentBytes] = step(second);
    const now = second * 1_000;
    state = updateBackpressure(state, { bufferedBytes, sentBytes, now });
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

  test('is fine again once it has read everything', () => {
    const states = readStates(30, (second) => [second % 5 === 4 ? 0 : SLOW_BYTES + 1, second]);
    expect(states).not.toContain('slow');
  });

  test('is stuck when its network took nothing for twenty seconds, however little is unread', () => {
    expect(readStates(25, () => [1, 100]).indexOf('stuck')).toBe(20);
    expect(readStates(60, (second) => [1, second])).not.toContain('stuck');
  });
});
