import { Topic } from '../../events/topic.js';

/** Tokens that are refused although their signature is valid: all of a user's, those sent by one device, or one token. */
export interface Revocation {
  readonly userId: string;
  readonly deviceId?: string | undefined;
  readonly tokenId?: string | undefined;
  /** Tokens issued before this time are refused; ms since 1970. */
  readonly notBefore: number;
}

/** This node has learnt of a revocation, whichever node it was made on. */
export const tokenRevoked = new Topic<Revocation>('auth.token_revoked');

/** A token's claims that a revocation can match, and the device that sent the token, if it is known. */
export interface TokenCredentials {
  readonly userId: string;
  readonly deviceId?: string | undefined;
  /** The token's `jti`. */
  readonly tokenId?: string | undefined;
  /**
   * The token's `iat` in ms. It is a whole second, so a token of the same second as the revocation counts as issued before it.
   */
  readonly issuedAt?: number | undefined;
}

/** Returns whether the token is refused. A token without `iat` is, since it may be older than the revocation. */
export function revokes(revocation: Revocation, credentials: TokenCredentials): boolean {
  if (revocation.userId !== credentials.userId) return false;
  if (revocation.tokenId !== undefined) return revocation.tokenId === credentials.tokenId;
  if (revocation.deviceId !== undefined && revocation.deviceId !== credentials.deviceId) return false;
  return credentials.issuedAt === undefined || credentials.issuedAt < revocation.notBefore;
}
