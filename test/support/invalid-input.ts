import { SignJWT, UnsecuredJWT } from 'jose';
import { JWT_SECRET, mintToken } from './drivers/usher.js';

/** Returns user tokens that must be rejected: what is wrong with each, the token, and the expected error code. */
export async function forgedTokens(): Promise<[name: string, token: string, code: string][]> {
  const key = new TextEncoder().encode(JWT_SECRET);
  const claims = (userId = 'mallory') =>
    new SignJWT({}).setSubject(userId).setAudience('usher').setIssuedAt().setExpirationTime('1h');
  const hs256 = { alg: 'HS256' };
  const unsigned = new UnsecuredJWT({})
    .setSubject('mallory')
    .setAudience('usher')
    .setExpirationTime('1h')
    .encode();
  const good = await mintToken('mallory');
  const [header, , signature] = good.split('.');
  const otherClaims = (await mintToken('somebody-else')).split('.')[1];
  return [
    ['expired', await mintToken('mallory', { expiresIn: '-1s' }), 'token_expired'],
    ['for another audience', await mintToken('mallory', { audience: 'billing' }), 'token_invalid'],
    [
      'signed with another secret',
      await mintToken('mallory', { secret: 'another secret, as long as the real one, or longer' }),
      'token_invalid',
    ],
    ['unsigned (alg none)', unsigned, 'token_invalid'],
    ['unsigned, with another token’s signature appended', `${unsigned}${signature}`, 'token_invalid'],
    [
      'signed as HS512 with the right secret',
      await claims().setProtectedHeader({ alg: 'HS512' }).sign(key),
      'token_invalid',
    ],
    [
      'signed as HS384 with the right secret',
      await claims().setProtectedHeader({ alg: 'HS384' }).sign(key),
      'token_invalid',
    ],
    ['with claims of another token', `${header}.${otherClaims}.${signature}`, 'token_invalid'],
    [
      'without an expiry',
      await new SignJWT({}).setSubject('mallory').setAudience('usher').setProtectedHeader(hs256).sign(key),
      'token_invalid',
    ],
    [
      'not valid yet',
      await claims().setNotBefore('10m').setProtectedHeader(hs256).sign(key),
      'token_invalid',
    ],
    [
      'without a user id',
      await new SignJWT({}).setAudience('usher').setExpirationTime('1h').setProtectedHeader(hs256).sign(key),
      'token_invalid',
    ],
    [
      'with a number as user id',
      await new SignJWT({ sub: 7 as unknown as string })
        .setAudience('usher')
        .setExpirationTime('1h')
        .setProtectedHeader(hs256)
        .sign(key),
      'token_invalid',
    ],
    ...(await Promise.all(
      INVALID_IDS.map(async (id): Promise<[string, string, string]> => [
        `with the user id ${JSON.stringify(id)}`,
        await claims(id).setProtectedHeader(hs256).sign(key),
        'token_invalid',
      ]),
    )),
    ['truncated', good.slice(0, -8), 'token_invalid'],
    ['not a JWT', 'let-me-in', 'token_invalid'],
    ['far too long', `${good}${'x'.repeat(6_000)}`, 'token_invalid'],
  ];
}

/** Ids that are not 1 to 64 of `A-Z a-z 0-9 _ . : -`. */
export const INVALID_IDS = ['two words', 'a/b', 'ann\n', 'ann\u0000', 'ünal', '😀', '*', 'x'.repeat(65)];

/** Returns a value nested this many levels deep, counting the outermost. */
export function nestedValue(levels: number): unknown {
  let value: unknown = levels % 2 === 0 ? [] : {};
  for (let level = 1; level < levels; level += 1) value = level % 2 === 0 ? [value] : { inner: value };
  return value;
}

/** Returns JSON of that depth as text, since a serializer would overflow its stack. */
export const nestedJson = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
