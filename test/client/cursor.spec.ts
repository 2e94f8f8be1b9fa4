import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  beginReplay,
  checkOffset,
  getResumePosition,
  MAX_REPLAY_DOWNTIME_MS,
} from '../../clients/web/src/cursor.js';

const offset = fc.nat(50);

describe('the cursor', () => {
  test('accepts any higher offset during a replay, and only the very next one after it', () => {
    fc.assert(
      fc.property(offset, offset, fc.nat(100), (current, replayEnd, received) => {
        const check = checkOffset(
          { epoch: 'e', offset: current, replayEnd },
          { epoch: 'e', offset: received },
        );
        const lastKnown = Math.max(current, replayEnd);
        expect(check).toBe(received <= current ? 'duplicate' : received <= lastKnown + 1 ? 'next' : 'gap');
      }),
    );
  });

  test('accepts no offset of another epoch, and none before the snapshot', () => {
    expect(checkOffset({ epoch: 'e', offset: 4, replayEnd: 4 }, { epoch: 'f', offset: 5 })).toBe('gap');
    expect(checkOffset(undefined, { epoch: 'e', offset: 1 })).toBe('no_cursor');
  });

  test('continues only with a replay of the same epoch that does not go back', () => {
    const cursor = { epoch: 'e', offset: 5, replayEnd: 3 };
    expect(beginReplay(cursor, { epoch: 'e', offset: 9 })).toEqual({ epoch: 'e', offset: 5, replayEnd: 9 });
    expect(beginReplay(cursor, { epoch: 'e', offset: 4 })).toBeUndefined();
    expect(beginReplay(cursor, { epoch: 'f', offset: 9 })).toBeUndefined();
    expect(beginReplay(undefined, { epoch: 'e', offset: 9 })).toBeUndefined();
  });

  test('asks for a replay only after a downtime that a replay can cover', () => {
    const cursor = { epoch: 'e', offset: 5, replayEnd: 9 };
    expect(getResumePosition(cursor, MAX_REPLAY_DOWNTIME_MS)).toEqual({ epoch: 'e', offset: 5 });
    expect(getResumePosition(cursor, MAX_REPLAY_DOWNTIME_MS + 1)).toBeUndefined();
    expect(getResumePosition(undefined, 0)).toBeUndefined();
  });
});
