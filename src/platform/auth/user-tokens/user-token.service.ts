import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { Problem } from '../../http/problem.js';
import { jwksVerifier } from './jwks.js';
import { userId as userIdSchema } from '../ids.schema.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import { sharedSecretVerifier } from './shared-secret.js';
import type { TokenVerifier, UserIdentity } from './token-claims.js';

/** A real token has some hundred characters; longer ones are not worth the arithmetic. */
const MAX_LENGTH = 8_192;

/** Verifies the tokens that the streaming service's own sign-in gives its users. */
@Injectable()
export class UserTokenService {
  private readonly check: TokenVerifier;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly revocations: RevocationsService,
  ) {
    const expected = { audience: config.AUTH_JWT_AUDIENCE, issuer: config.AUTH_JWT_ISSUER };
    this.check = config.AUTH_JWKS_URL
      ? jwksVerifier(config.AUTH_JWKS_URL, expected)
      : sharedSecretVerifier(config.AUTH_JWT_SECRET ?? '', expected);
  }

  /** Throws Problem token_missing, token_invalid, token_expired, token_revoked, or unavailable when the keys cannot be fetched. */
  async verify(token: string | undefined): Promise<UserIdentity> {
    if (!token) throw new Problem('token_missing');
    if (token.length > MAX_LENGTH) throw new Problem('token_invalid', 'The token is too long.');
    const { sub, exp, iat, jti } = await this.check(token);
    const { data: userId } = userIdSchema.safeParse(sub);
    if (!userId || exp === undefined) throw new Problem('token_invalid', 'The token names no valid user.');
    const identity = {
      userId,
      expiresAt: new Date(exp * 1_000),
      issuedAt: typeof iat === 'number' ? iat * 1_000 : undefined,
      tokenId: typeof jti === 'string' ? jti : undefined,
    };
    this.revocations.check(identity);
    return identity;
  }
}
