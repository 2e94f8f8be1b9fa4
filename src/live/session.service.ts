import { Injectable } from '@nestjs/common';
import type { CommandAnswer, DeviceCommand, DeviceSession } from '../devices/device-command.js';
import { Revocations } from '../platform/auth/revocations.service.js';
import { UserTokens } from '../platform/auth/user-token.js';
import { Problem } from '../platform/http/problem.js';
import { parse } from '../platform/parse.js';
import { Admission } from './admission.service.js';
import { Connection } from './connection.js';
import { syncPayload, tokenRefreshPayload } from './handshake.schema.js';

/** `sync`: after a hole in the offsets, the answer of a reconnect without one. */
@Injectable()
export class SyncCommand implements DeviceCommand {
  readonly event = 'sync';

  constructor(private readonly admission: Admission) {}

  async handle(session: DeviceSession, payload: unknown): Promise<CommandAnswer> {
    const position = parse(syncPayload, payload);
    const connection = live(session);
    if (connection.joining)
      throw new Problem('rate_limited', 'The last sync is still under way.', { retryAfterMs: 500 });
    await this.admission.resume(connection, position);
    return {};
  }
}

/** `token.refresh`: a newer token of the same user; the connection then lives as long as that one. */
@Injectable()
export class TokenRefreshCommand implements DeviceCommand {
  readonly event = 'token.refresh';

  constructor(
    private readonly tokens: UserTokens,
    private readonly revocations: Revocations,
  ) {}

  async handle(session: DeviceSession, payload: unknown): Promise<CommandAnswer> {
    const { token } = parse(tokenRefreshPayload, payload);
    const identity = await this.tokens.verify(token);
    if (identity.userId !== session.userId)
      throw new Problem('token_invalid', 'The token is of another user.');
    this.revocations.check({ ...identity, deviceId: session.deviceId });
    live(session).holds(identity);
    return { tokenExpiresAt: identity.expiresAt.toISOString() };
  }
}

function live(session: DeviceSession): Connection {
  if (!(session instanceof Connection)) throw new Error('not a live session');
  return session;
}
