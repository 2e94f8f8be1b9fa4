import { Injectable } from '@nestjs/common';
import { HandlesDeviceCommand } from '../../devices/device-command.decorator.js';
import type { CommandResponse, DeviceCommand, DeviceSession } from '../../devices/device-command.js';
import { RevocationsService } from '../../platform/auth/revocations/revocations.service.js';
import { UserTokenService } from '../../platform/auth/user-tokens/user-token.service.js';
import { Problem } from '../../platform/http/problem.js';
import { parse } from '../../platform/http/validation.js';
import { AdmissionService } from '../admission/admission.service.js';
import { Connection } from './connection.js';
import { syncPayload, tokenRefreshPayload } from '../admission/handshake.schema.js';

/** `sync`: after a hole in the offsets, the answer of a reconnect without one. */
@Injectable()
@HandlesDeviceCommand('sync')
export class SyncCommand implements DeviceCommand {
  constructor(private readonly admission: AdmissionService) {}

  async handle(session: DeviceSession, payload: unknown): Promise<CommandResponse> {
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
@HandlesDeviceCommand('token.refresh')
export class TokenRefreshCommand implements DeviceCommand {
  constructor(
    private readonly tokens: UserTokenService,
    private readonly revocations: RevocationsService,
  ) {}

  async handle(session: DeviceSession, payload: unknown): Promise<CommandResponse> {
    const { token } = parse(tokenRefreshPayload, payload);
    const identity = await this.tokens.verify(token);
    if (identity.userId !== session.userId)
      throw new Problem('token_invalid', 'The token is of another user.');
    this.revocations.check({ ...identity, deviceId: session.deviceId });
    live(session).setToken(identity);
    return { tokenExpiresAt: identity.expiresAt.toISOString() };
  }
}

function live(session: DeviceSession): Connection {
  if (!(session instanceof Connection)) throw new Error('not a live session');
  return session;
}
