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
