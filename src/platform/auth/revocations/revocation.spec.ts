import { describe, expect, test } from '@jest/globals';
import { type TokenCredentials, revokes, type Revocation } from './revocation.js';

const token: TokenCredentials = { userId: 'ann', deviceId: 'tv', tokenId: 't1', issuedAt: 5_000 };
const at = (notBefore: number, of: Partial<Revocation> = {}): Revocation => ({
  userId: 'ann',
  notBefore,
  ...of,
});

describe('a revocation refuses', () => {
  test('the tokens that its user had then, and none that were issued later', () => {
    expect(revokes(at(5_001), token)).toBe(true);
    expect(revokes(at(5_000), token)).toBe(false);
    expect(revokes(at(9_000), { ...token, userId: 'ben' })).toBe(false);
  });

  test('a token without the time at which it was issued', () => {
    expect(revokes(at(1), { userId: 'ann' })).toBe(true);
  });

  test('only the tokens sent by the device that it names', () => {
    expect(revokes(at(9_000, { deviceId: 'tv' }), token)).toBe(true);
    expect(revokes(at(9_000, { deviceId: 'phone' }), token)).toBe(false);
    expect(revokes(at(9_000, { deviceId: 'tv' }), { ...token, deviceId: undefined })).toBe(false);
  });

  test('only the token that it names, whenever it was issued', () => {
    expect(revokes(at(1, { tokenId: 't1' }), token)).toBe(true);
    expect(revokes(at(9_000, { tokenId: 't2' }), token)).toBe(false);
    expect(revokes(at(9_000, { tokenId: 't1' }), { ...token, tokenId: undefined })).toBe(false);
  });
});
