import { beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTVerifyGetKey, SignJWT } from 'jose';
import { jwksVerifier } from './jwks-verifier.js';
import { sharedSecretVerifier } from './shared-secret-verifier.js';
import type { ExpectedClaims, TokenVerifier } from './token-claims.js';
import { userIdentity } from './user-identity.js';

const SECRET = 'a secret that only this test knows, of 32 bytes or more';
const NOW = Math.floor(Date.now() / 1_000);
const GOOD: Record<string, unknown> = {
  sub: 'ann',
  aud: 'usher',
  iss: 'https://id.example.com',
  exp: NOW + 3_600,
  iat: NOW,
  jti: 't1',
};
const DAY = 86_400;
const MAX_DAYS = 30;
const EXPECTED: ExpectedClaims = { audience: 'usher', issuer: 'https://id.example.com' };

let pair: Awaited<ReturnType<typeof generateKeyPair>>;
let findKey: JWTVerifyGetKey;
beforeAll(async () => {
  pair = await generateKeyPair('ES256');
  findKey = createLocalJWKSet({
    keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'today', alg: 'ES256' }],
  });
});

interface Way {
  verifier(expected: ExpectedClaims): TokenVerifier;
  sign(claims: Record<string, unknown>): Promise<string>;
}
const WAYS: [string, Way][] = [
  [
    'AUTH_JWT_SECRET',
    {
      verifier: (expected) => sharedSecretVerifier(SECRET, expected),
      sign: (claims) =>
        new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(SECRET)),
    },
  ],
  [
    'AUTH_JWKS_URL',
    {
      verifier: (expected) => jwksVerifier(findKey, expected),
      sign: (claims) =>
        new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'today' }).sign(pair.privateKey),
    },
  ],
];

/** Claims that replace the good ones; undefined leaves the claim out. */
type Change = Record<string, unknown>;
const missing = ['sub', 'aud', 'iss', 'exp'].map((claim): [string, Change] => [
  `no ${claim}`,
  { [claim]: undefined },
]);
const ofAnotherType = Object.entries(GOOD).flatMap(([claim, value]) => {
  const number = typeof value === 'number';
  const others = [null, true, {}, [[value]], number ? String(value) : 7];
  return others.map((other): [string, Change] => [
    `the ${claim} ${JSON.stringify(other)}`,
    { [claim]: other },
  ]);
});
const wrong: [string, Change][] = [
  ['an empty sub', { sub: '' }],
  ['a sub that is no user id', { sub: 'two words' }],
  ['another aud', { aud: 'billing' }],
  ['an empty list of aud', { aud: [] }],
  ['a list of other aud', { aud: ['billing', 'search'] }],
  ['an aud that only begins like ours', { aud: 'usher2' }],
  ['another iss', { iss: 'https://evil.example.com' }],
  ['a list with our iss', { iss: [EXPECTED.issuer] }],
  ['an exp that no date can hold', { exp: 1e300 }],
  ['an iat that is to come', { iat: NOW + 120 }],
  ['a life of more than 30 days', { iat: NOW - 20 * DAY, exp: NOW + 11 * DAY }],
  ['a life of more than 30 days from now, without iat', { iat: undefined, exp: NOW + 31 * DAY }],
  ['a life of more than 30 days from now, with a later iat', { iat: NOW + 31 * DAY, exp: NOW + 32 * DAY }],
  ['an nbf in the future', { nbf: NOW + 600 }],
  ['the nbf "0"', { nbf: '0' }],
];

const verify = async (way: Way, change: Change, expected: ExpectedClaims = EXPECTED) =>
  userIdentity(await way.verifier(expected)(await way.sign({ ...GOOD, ...change })), MAX_DAYS * DAY);

describe.each(WAYS)('a token verified by %s', (_, way) => {
  test('with all claims names its user', async () => {
    const identity = { userId: 'ann', tokenId: 't1', issuedAt: NOW * 1_000 };
    expect(await verify(way, {})).toMatchObject(identity);
    expect(await verify(way, { aud: ['billing', 'usher'] })).toMatchObject(identity);
  });

  test('needs neither iat nor jti, nor an iss where none is set', async () => {
    const expected = { audience: 'usher', issuer: undefined };
    const change = { iat: undefined, jti: undefined, iss: undefined };
    expect(await verify(way, change, expected)).toMatchObject({ userId: 'ann', issuedAt: undefined });
  });

  test.each([...missing, ...ofAnotherType, ...wrong])('is invalid with %s', async (_name, change) => {
    await expect(verify(way, change)).rejects.toMatchObject({ code: 'token_invalid' });
  });

  test('is expired with an exp of before, which apps can mend by a new token', async () => {
    await expect(verify(way, { exp: NOW - 1 })).rejects.toMatchObject({ code: 'token_expired' });
  });
});
