import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_REPLAY, resumeFrom } from './position.js';

const head = { epoch: 'ours', offset: 1_000 };

describe('a device that comes back', () => {
  test.each([
    ['at the head', 1_000, 'replay'],
    ['one behind', 999, 'replay'],
    ['as far behind as is replayed', 1_000 - MAX_REPLAY, 'replay'],
    ['one further', 999 - MAX_REPLAY, 'snapshot'],
    ['ahead of us', 1_001, 'snapshot'],
  ])('%s gets a %s', (_, offset, kind) => {
    expect(resumeFrom({ epoch: 'ours', offset: Number(offset) }, head)).toBe(kind);
  });

  test('without a position gets a snapshot', () => {
    expect(resumeFrom(undefined, head)).toBe('snapshot');
  });

  test('to an empty mailbox has nothing to catch up with', () => {
    expect(resumeFrom({ epoch: 'ours', offset: 0 }, { epoch: 'ours', offset: 0 })).toBe('replay');
  });

  test('with a position of another epoch gets a snapshot, whatever its offset', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (offset) =>
        expect(resumeFrom({ epoch: 'theirs', offset }, head)).toBe('snapshot'),
      ),
    );
  });

  test('is replayed exactly what lies between, and never more than so much', () => {
    fc.assert(
      fc.property(fc.nat(3_000), fc.nat(3_000), (offset, at) => {
        const behind = at - offset;
        const kind = resumeFrom({ epoch: 'ours', offset }, { epoch: 'ours', offset: at });
        expect(kind).toBe(behind >= 0 && behind <= MAX_REPLAY ? 'replay' : 'snapshot');
      }),
    );
  });
});
