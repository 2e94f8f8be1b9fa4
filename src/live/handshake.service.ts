import { Injectable } from '@nestjs/common';
import type { Position } from '../mailbox/position.js';
import { Problem } from '../platform/http/problem.js';
import { type UserIdentity, UserTokens } from '../platform/auth/user-token.js';
import { parse } from '../platform/parse.js';
import { type HandshakeAuth, handshakeAuth } from './handshake.schema.js';

/** A device that proved whose it is. */
export interface Hello {
  readonly identity: UserIdentity;
  readonly auth: HandshakeAuth;
  /** How far it has read, as it says; undefined when it says nothing usable. */
  readonly position: Position | undefined;
}

@Injectable()
export class Handshake {
  constructor(private readonly tokens: UserTokens) {}

  /** Throws Problem token_…, invalid_request or unavailable. */
  async check(given: unknown): Promise<Hello> {
    if (!hasToken(given)) throw new Problem('token_missing');
    const auth = parse(handshakeAuth, given);
    return { identity: await this.tokens.verify(auth.token), auth, position: positionOf(auth) };
  }
}

const hasToken = (given: unknown): boolean =>
  typeof given === 'object' &&
  given !== null &&
  'token' in given &&
  given.token !== undefined &&
  given.token !== '';

function positionOf({ epoch, offset }: HandshakeAuth): Position | undefined {
  if (!epoch || offset === undefined || offset === '') return undefined;
  return { epoch, offset: Number(offset) };
}
