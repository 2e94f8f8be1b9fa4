import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NO_CAPABILITIES } from '../membership/membership.js';
import { leaseTimes } from './leases/lease.js';
import { FULL_CAPABILITIES, type StreamState, decideRenewal } from './stream.js';

const allowing = (maxStreams: number) => ({ ...FULL_CAPABILITIES, maxStreams });
const stream = (changes: Partial<StreamState> = {}): StreamState => ({
  streamId: 's',
  userId: 'u',
  deviceId: 'd',
  endReason: null,
  lapsed: false,
  hasDevice: true,
  others: 0,
  older: 0,
  ...changes,
});

describe('a stream may go on', () => {
  test('while it holds its slot and no more than the plan allows are older', () => {
    expect(decideRenewal(stream({ others: 5, older: 1 }), allowing(2))).toBe('renew');
    expect(decideRenewal(stream({ others: 5, older: 2 }), allowing(2))).toBe('too_many_streams');
  });

  test('when its slot ran out, only if one is free', () => {
    expect(decideRenewal(stream({ lapsed: true, others: 1 }), allowing(2))).toBe('retake');
    expect(decideRenewal(stream({ lapsed: true, others: 2 }), allowing(2))).toBe('too_many_streams');
  });

  test('never once it ended, whatever the plan says', () => {
    const ends = [
      ['membership', 'ended'],
      ['too_many_streams', 'ended'],
      ['device_removed', 'device_removed'],
      ['operator', 'ended'],
      ['ended', 'ended'],
    ] as const;
    for (const [endReason, decision] of ends)
      expect(decideRenewal(stream({ endReason }), allowing(9))).toBe(decision);
  });

  test('never once it ended; as long as the cause lasts, it is the refusal', () => {
    expect(decideRenewal(stream({ endReason: 'membership' }), NO_CAPABILITIES)).toBe('not_entitled');
    const ended = stream({ endReason: 'too_many_streams', others: 2 });
    expect(decideRenewal(ended, allowing(2))).toBe('too_many_streams');
    expect(decideRenewal(ended, allowing(3))).toBe('ended');
  });

  test('never without its device or a membership that allows it', () => {
    expect(decideRenewal(stream({ hasDevice: false }), allowing(9))).toBe('device_removed');
    expect(decideRenewal(stream(), NO_CAPABILITIES)).toBe('not_entitled');
  });
});

describe('a lease', () => {
  test('never outlives its seconds or any bound, and is never issued already expired', () => {
    const instant = fc.integer({ min: 1_600_000_000_000, max: 2_000_000_000_000 });
    const offset = fc.option(fc.integer({ min: -10_000, max: 4_000_000 }), { nil: undefined });
    fc.assert(
      fc.property(
        instant,
        fc.integer({ min: 1, max: 3_600 }),
        fc.array(offset, { maxLength: 2 }),
        (now, seconds, offsets) => {
          const bounds = offsets.map((one) => (one === undefined ? undefined : now + one));
          const times = leaseTimes(now, seconds, bounds);
          const limits = [now + seconds * 1_000, ...bounds.filter((bound) => bound !== undefined)];
          const end = (times?.exp ?? 0) * 1_000;
          expect(end).toBeLessThanOrEqual(Math.min(...limits));
          expect((times?.iat ?? 0) * 1_000).toBeLessThanOrEqual(now);
          // None at all only when less than a second is left.
          expect(end > now || Math.min(...limits) < now + 1_000).toBe(true);
        },
      ),
    );
  });
});
