import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  currentKey,
  nextActiveFrom,
  expiredKeys,
  encryptPrivateKey,
  decryptPrivateKey,
} from './lease-key.js';

const DAY = 86_400_000;
const secret = fc.string({ minLength: 32, maxLength: 64 });

describe('a stored private key', () => {
  test('is decrypted by the secret it was encrypted under, wherever that is in the list, and by no other', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.uniqueArray(secret, { minLength: 3, maxLength: 3 }),
        (d, all) => {
          const [mine, other, another] = all as [string, string, string];
          const stored = encryptPrivateKey(d, [mine, other]);
          expect(Buffer.from(stored).includes(Buffer.from(d)) && d.length > 4).toBe(false);
          expect(decryptPrivateKey(stored, [another, mine])).toBe(d);
          expect(decryptPrivateKey(stored, [other, another])).toBeUndefined();
          expect(decryptPrivateKey(stored, [])).toBeUndefined();
        },
      ),
      { numRuns: 50 },
    );
  });

  test('that was changed after it was encrypted is decrypted by no secret', () => {
    const encrypted = encryptPrivateKey('private', ['s'.repeat(32)]);
    for (let at = 1; at < encrypted.length; at += 1) {
      const changed = encrypted.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect(decryptPrivateKey(changed, ['s'.repeat(32)])).toBeUndefined();
    }
  });

  test('that was stored without a secret stays readable once a secret is set', () => {
    expect(decryptPrivateKey(encryptPrivateKey('private', []), ['s'.repeat(32)])).toBe('private');
  });
});

describe('of the signing keys', () => {
  const keys = [10, 20, 30].map((day) => ({ activeFrom: day * DAY }));

  test('the newest that is active signs', () => {
    expect(currentKey(keys, 9 * DAY)).toBeUndefined();
    expect(currentKey(keys, 10 * DAY)).toBe(keys[0]);
    expect(currentKey(keys, 25 * DAY)).toBe(keys[1]);
    expect(currentKey(keys, 99 * DAY)).toBe(keys[2]);
  });

  test('a key expires only long after its successor took over', () => {
    expect(expiredKeys(keys, 21 * DAY)).toEqual([]);
    expect(expiredKeys(keys, 23 * DAY)).toEqual([keys[0]]);
    expect(expiredKeys(keys, 99 * DAY)).toEqual(keys.slice(0, 2));
  });

  test('the next is published at least a day before it signs', () => {
    expect(nextActiveFrom(0, 30, 5 * DAY)).toBe(30 * DAY);
    expect(nextActiveFrom(0, 30, 40 * DAY)).toBe(41 * DAY);
  });
});
