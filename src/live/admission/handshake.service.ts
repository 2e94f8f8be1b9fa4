import { Injectable } from '@nestjs/common';
import type { Position } from '../../mailbox/position.js';
import { RevocationsService } from '../../platform/auth/revocations/revocations.service.js';
import { UserTokenService } from '../../platform/auth/user-tokens/user-token.service.js';
import { Problem } from '../../platform/http/problem.js';
import { parse } from '../../platform/http/validation.js';
import type { AuthenticatedDevice } from './admission.service.js';
import { type HandshakeAuth, handshakeAuth } from './handshake.schema.js';

/** Reads and verifies what a device says of itself. */
@Injectable()
export class HandshakeService {
  constructor(
    private readonly tokens: UserTokenService,
    private readonly revocations: RevocationsService,
  ) {}

  /** Throws Problem token_…, invalid_request or unavailable. */
  async check(given: unknown): Promise<AuthenticatedDevice> {
    if (!hasToken(given)) throw new Problem('token_missing');
    const auth = parse(handshakeAuth, given);
    const identity = await this.tokens.verify(auth.token);
    const { deviceId, profileId, platform, appVersion, since } = auth;
    this.revocations.check({ ...identity, deviceId });
    const position = positionOf(auth);
    return {
      userId: identity.userId,
      identity,
      deviceId,
      profileId,
      position,
      since,
      registers: { platform, appVersion },
    };
  }
}

const hasToken = (given: unknown): boolean =>
  typeof given === 'object' &&
  given !== null &&
  'token' in given &&
  given.token !== undefined &&
  given.token !== '';

/** How far the device has read, as it says; undefined when it says nothing usable. */
function positionOf({ epoch, offset }: HandshakeAuth): Position | undefined {
  if (!epoch || offset === undefined || offset === '') return undefined;
  return { epoch, offset: Number(offset) };
}
