import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decrypt, deriveKey, encrypt } from './aes-gcm.js';

const key = deriveKey({ secret: 's'.repeat(32), salt: '', info: 'spec' });

describe('an encrypted text', () => {
  test('is decrypted by its key, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(decrypt(key, encrypt(key, text))).toBe(text);
      }),
    );
  });

  test('is decrypted by no other key: another secret, salt or purpose is another key', () => {
    const encrypted = encrypt(key, 'private');
    for (const other of [
      { secret: 't'.repeat(32), salt: '', info: 'spec' },
      { secret: 's'.repeat(32), salt: 'x', info: 'spec' },
      { secret: 's'.repeat(32), salt: '', info: 'another purpose' },
    ])
      expect(() => decrypt(deriveKey(other), encrypted)).toThrow(/unable to authenticate/);
  });

  test('is not decrypted once any of its bytes was changed or cut off', () => {
    const encrypted = encrypt(key, 'private');
    for (let at = 0; at < encrypted.length; at += 1) {
      const changed = encrypted.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => decrypt(key, changed)).toThrow(/unable to authenticate/);
      expect(() => decrypt(key, encrypted.subarray(0, at))).toThrow(/Invalid|unable to authenticate/);
    }
  });

  test('is another one each time, so that equal texts cannot be told apart from their ciphertexts', () => {
    expect(encrypt(key, 'private')).not.toEqual(encrypt(key, 'private'));
  });
});

/** Stored before this file existed: a change of the format would lose lease keys and idempotent responses. */
describe('what earlier versions stored', () => {
  test.each([
    [
      'a lease key',
      { secret: 's'.repeat(32), salt: '', info: 'usher lease key' },
      'AAECAwQFBgcICQoLIps3Pst7nU8s858InE2wWQN3FJNgOH0=',
      'private',
    ],
    [
      'an idempotent response',
      { secret: 'usk_key\nidempotency-1', salt: 'POST /v1/events', info: 'usher idempotent answer' },
      'AAECAwQFBgcICQoL/cReko9MCXOAX+alBW28NSBy74DuZ6mG7jXj',
      '{"ok":true}',
    ],
  ])('is still decrypted: %s', (_, from, stored, text) => {
    expect(decrypt(deriveKey(from), Buffer.from(stored, 'base64'))).toBe(text);
  });
});
