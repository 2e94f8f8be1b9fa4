import { Topic } from '../../events/topic.js';

/** Tokens that are refused although their signature is good: a user's, those that one device shows, or one token. */
export interface Revocation {
  readonly userId: string;
  readonly deviceId?: string | undefined;
  readonly tokenId?: string | undefined;
  /** Tokens issued before this are refused, in ms. */
  readonly notBefore: number;
}

/** A revocation became known to this node, by whatever node it was made. */
export const tokenRevoked = new Topic<Revocation>('auth.token_revoked');

/** What a token says of itself, and the device that showed it, if it is known. */
export interface TokenCredentials {
  readonly userId: string;
  readonly deviceId?: string | undefined;
  /** `jti` */
  readonly tokenId?: string | undefined;
  /** `iat` in ms; a whole second, so a token of the revocation's own second counts as issued before it. */
  readonly issuedAt?: number | undefined;
}

/** A token that does not say when it was issued cannot show that it came after. */
export function revokes(revocation: Revocation, credentials: TokenCredentials): boolean {
  if (revocation.userId !== credentials.userId) return false;
  if (revocation.tokenId !== undefined) return revocation.tokenId === credentials.tokenId;
  if (revocation.deviceId !== undefined && revocation.deviceId !== credentials.deviceId) return false;
  return credentials.issuedAt === undefined || credentials.issuedAt < revocation.notBefore;
}
