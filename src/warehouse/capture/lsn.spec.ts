import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatLsn, parseLsn, sortableLsn } from './lsn.js';

test('a place in the log is read and written as PostgreSQL does', () => {
  expect(parseLsn('16/B374D848')).toBe(0x16_b374_d848n);
  expect(formatLsn(0x16_b374_d848n)).toBe('16/B374D848');
  expect(formatLsn(0xffn)).toBe('0/FF');
});

test('its sortable text has the order of the log', () => {
  const place = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(place, place, (one, other) => {
      expect(parseLsn(formatLsn(one))).toBe(one);
      expect(sortableLsn(one) < sortableLsn(other)).toBe(one < other);
    }),
  );
});
