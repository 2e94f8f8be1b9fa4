import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { Problem } from '../../http/problem.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import { JwksWorker } from './jwks.worker.js';
import { jwksVerifier } from './jwks-verifier.js';
import { sharedSecretVerifier } from './shared-secret-verifier.js';
import type { TokenVerifier, UserIdentity } from './token-claims.js';
import { userIdentity } from './user-identity.js';

const SECONDS_PER_DAY = 86_400;
/** Real tokens have some hundred characters; longer ones are refused before their signature is computed. */
const MAX_LENGTH = 8_192;

/** Verifies the JWTs that the streaming service's own sign-in issues to its users. */
@Injectable()
export class UserTokenService {
  private readonly verifySignature: TokenVerifier;
  private readonly maxSeconds: number;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly revocations: RevocationsService,
    jwks: JwksWorker,
  ) {
    this.maxSeconds = config.AUTH_JWT_MAX_DAYS * SECONDS_PER_DAY;
    const expected = { audience: config.AUTH_JWT_AUDIENCE, issuer: config.AUTH_JWT_ISSUER };
    this.verifySignature = config.AUTH_JWKS_URL
      ? jwksVerifier(jwks.find, expected)
      : sharedSecretVerifier(config.AUTH_JWT_SECRET ?? '', expected);
  }

  /**
   * Returns whose token it is. Throws Problem token_missing, token_invalid, token_expired or token_revoked; `unavailable` when
   * the signing keys cannot be fetched.
   */
  async verify(token: string | undefined): Promise<UserIdentity> {
    if (!token) throw new Problem('token_missing');
    if (token.length > MAX_LENGTH) throw new Problem('token_invalid', 'The token is too long.');
    const identity = userIdentity(await this.verifySignature(token), this.maxSeconds);
    await this.revocations.check(identity);
    return identity;
  }
}
