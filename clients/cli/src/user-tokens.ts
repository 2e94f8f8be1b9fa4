import { UsageFailure } from './failures.js';
import type { Settings } from './settings/settings.js';

/** A user's token, and when it expires: ISO 8601. */
export interface UserToken {
  readonly userId: string;
  readonly token: string;
  readonly expiresAt: string;
}

/** What a token is signed for. */
export interface SigningOptions {
  /** Seconds that it is valid. */
  readonly seconds: number;
  readonly audience: string;
  readonly issuer?: string;
}

const HOUR_SECONDS = 3_600;

/**
 * Returns a token of the user: a new one where the secret is known, else USHER_TOKEN if it is this user's. Throws UsageFailure where there
 * is neither.
 */
export async function userToken(settings: Settings, userId: string): Promise<string> {
  const given = settings.get('USHER_TOKEN');
  const isTheirs = given !== undefined && (await subjectOf(given)) === userId;
  if (isTheirs && settings.get('USHER_JWT_SECRET') === undefined) return given;
  return (await signToken(settings, userId, { seconds: HOUR_SECONDS, audience: 'usher' })).token;
}

async function subjectOf(token: string): Promise<string | undefined> {
  const { decodeJwt } = await import('jose');
  try {
    return decodeJwt(token).sub;
  } catch {
    return undefined;
  }
}

/** Signs a token of the user as a sign-in would, with the secret that it shares with Usher. Throws UsageFailure without the secret. */
export async function signToken(
  settings: Settings,
  userId: string,
  options: SigningOptions,
): Promise<UserToken> {
  const secret = settings.need('USHER_JWT_SECRET', 'the secret that user tokens are signed with');
  if (Buffer.byteLength(secret) < 32) throw new UsageFailure('USHER_JWT_SECRET has less than 32 bytes.');
  const { SignJWT } = await import('jose');
  const issuedAt = Math.floor(Date.now() / 1_000);
  const expiresAt = issuedAt + options.seconds;
  const unsigned = new SignJWT()
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(userId)
    .setAudience(options.audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt);
  if (options.issuer !== undefined) unsigned.setIssuer(options.issuer);
  const token = await unsigned.sign(new TextEncoder().encode(secret));
  return { userId, token, expiresAt: new Date(expiresAt * 1_000).toISOString() };
}
