import { describe, expect, test } from '@jest/globals';
import { type BackpressureState, updateBackpressure, readState, SLOW_BYTES } from './backpressure.js';

/** Looks once a second; each step is [bytes buffered, bytes taken so far]. */
function watched(steps: readonly (readonly [number, number])[]): string[] {
  let backlog: BackpressureState | undefined;
  return steps.map(([buffered, taken], second) => {
    backlog = updateBackpressure(backlog, { bufferedBytes: buffered, sentBytes: taken, now: second * 1_000 });
    return readState(backlog, second * 1_000);
  });
}
const seconds = (count: number, step: (second: number) => readonly [number, number]) =>
  watched(Array.from({ length: count }, (_, second) => step(second)));

describe('a device that has not read everything', () => {
  test('is fine while it is only a little behind, for however long, as long as it reads', () => {
    expect(seconds(60, (second) => [SLOW_BYTES, second])).not.toContain('slow');
  });

  test('is slow when it stays far behind for five seconds, though it reads', () => {
    const paces = seconds(8, (second) => [SLOW_BYTES + 1, second]);
    expect(paces.indexOf('slow')).toBe(5);
  });

  test('is fine again once it caught up', () => {
    expect(seconds(30, (second) => [second % 5 === 4 ? 0 : SLOW_BYTES + 1, second])).not.toContain('slow');
  });

  test('is stuck when it took nothing for twenty seconds, however little waits', () => {
    const paces = seconds(25, () => [1, 100]);
    expect(paces.indexOf('stuck')).toBe(20);
    expect(seconds(60, (second) => [1, second])).not.toContain('stuck');
  });
});
