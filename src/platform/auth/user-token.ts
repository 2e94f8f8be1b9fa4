import { webcrypto } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import {
  type CryptoKey,
  createRemoteJWKSet,
  errors,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import { CONFIG, type Config } from '../config/config.js';
import { Problem } from '../http/problem.js';
import { userId as userIdSchema } from './names.schema.js';
import { Revocations } from './revocations.service.js';

/** Who a user token speaks for, and until when. */
export interface UserIdentity {
  readonly userId: string;
  readonly expiresAt: Date;
  /** `iat` in ms and `jti`, by which it may be revoked. */
  readonly issuedAt: number | undefined;
  readonly tokenId: string | undefined;
}

/** Never `none`; never an asymmetric key's text used as an HMAC secret. */
const SYMMETRIC = ['HS256'];
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const JWKS_TIMEOUT_MS = 3_000;
/** A real token has some hundred characters; longer ones are not worth the arithmetic. */
const MAX_LENGTH = 8_192;

/** Verifies the tokens that the streaming service's own sign-in gives its users. */
@Injectable()
export class UserTokens {
  private readonly key: Promise<CryptoKey> | JWTVerifyGetKey;
  private readonly options: JWTVerifyOptions;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly revocations: Revocations,
  ) {
    this.key = config.AUTH_JWKS_URL
      ? createRemoteJWKSet(new URL(config.AUTH_JWKS_URL), { timeoutDuration: JWKS_TIMEOUT_MS })
      : // Imported once: a raw secret would be imported anew for every token.
        webcrypto.subtle.importKey(
          'raw',
          new TextEncoder().encode(config.AUTH_JWT_SECRET),
          { name: 'HMAC', hash: 'SHA-256' },
          false,
          ['verify'],
        );
    this.options = {
      algorithms: config.AUTH_JWKS_URL ? ASYMMETRIC : SYMMETRIC,
      audience: config.AUTH_JWT_AUDIENCE,
      requiredClaims: ['sub', 'exp'],
      ...(config.AUTH_JWT_ISSUER && { issuer: config.AUTH_JWT_ISSUER }),
    };
  }

  /** Throws Problem token_missing, token_invalid, token_expired, token_revoked, or unavailable when the keys cannot be fetched. */
  async verify(token: string | undefined): Promise<UserIdentity> {
    if (!token) throw new Problem('token_missing');
    if (token.length > MAX_LENGTH) throw new Problem('token_invalid', 'The token is too long.');
    const { payload } = await this.check(token).catch((error: unknown) => {
      throw refusal(error);
    });
    const { data: userId } = userIdSchema.safeParse(payload.sub);
    if (!userId || payload.exp === undefined)
      throw new Problem('token_invalid', 'The token names no valid user.');
    const identity = {
      userId,
      expiresAt: new Date(payload.exp * 1_000),
      issuedAt: payload.iat === undefined ? undefined : payload.iat * 1_000,
      tokenId: payload.jti,
    };
    this.revocations.check(identity);
    return identity;
  }

  private async check(token: string) {
    return typeof this.key === 'function'
      ? jwtVerify(token, this.key, this.options)
      : jwtVerify(token, await this.key, this.options);
  }
}

function refusal(error: unknown): Problem {
  if (error instanceof errors.JWTExpired) return new Problem('token_expired');
  if (error instanceof errors.JWKSTimeout)
    return new Problem('unavailable', 'The signing keys cannot be fetched.');
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new Problem('token_invalid', `The token's claim "${error.claim}" is not accepted.`);
  }
  // A fetch of the key set that failed is our trouble, not the caller's.
  if (error instanceof TypeError && error.message === 'fetch failed') return new Problem('unavailable');
  return new Problem('token_invalid');
}
