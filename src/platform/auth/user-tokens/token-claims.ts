/** What we read of a token whose signature, `aud`, `iss`, `exp` and `nbf` were checked. */
export interface TokenClaims {
  readonly sub?: unknown;
  readonly exp?: number | undefined;
  readonly iat?: number | undefined;
  readonly jti?: string | undefined;
}

/** Throws Problem token_invalid, token_expired, or unavailable when the keys cannot be fetched. */
export type TokenVerifier = (token: string) => TokenClaims | Promise<TokenClaims>;

export interface ExpectedClaims {
  readonly audience: string;
  readonly issuer: string | undefined;
}

/** Without these nobody is named, or a token lives for ever. */
export const REQUIRED_CLAIMS = ['sub', 'exp'];

/** Who a user token speaks for, and until when. */
export interface UserIdentity {
  readonly userId: string;
  readonly expiresAt: Date;
  /** `iat` in ms and `jti`, by which it may be revoked. */
  readonly issuedAt: number | undefined;
  readonly tokenId: string | undefined;
}
