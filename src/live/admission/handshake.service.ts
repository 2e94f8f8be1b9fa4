import { Injectable } from '@nestjs/common';
import { HandlesDeviceCommand } from '../../devices/commands/device-command.decorator.js';
import type { CommandResponse, DeviceCommand, DeviceSession } from '../../devices/commands/device-command.js';
import type { BroadcastPosition } from '../../broadcasts/broadcast.js';
import type { Position } from '../../mailbox/position.js';
import { RevocationsService } from '../../platform/auth/revocations/revocations.service.js';
import { UserTokenService } from '../../platform/auth/user-tokens/user-token.service.js';
import { Problem } from '../../platform/http/problem.js';
import { parse } from '../../platform/http/validation.js';
import { Connection } from '../connection/connection.js';
import type { AuthenticatedDevice } from './admission.service.js';
import { type HandshakeAuth, handshakeAuth, tokenRefreshPayload } from './handshake.schema.js';

/** Verifies who a device is: at its handshake, and with each newer token that it sends by `token.refresh`. */
@Injectable()
@HandlesDeviceCommand('token.refresh')
export class HandshakeService implements DeviceCommand {
  constructor(
    private readonly tokens: UserTokenService,
    private readonly revocations: RevocationsService,
  ) {}

  /** Returns the device that the `auth` of a handshake proves. Throws Problem token_…, invalid_request or unavailable. */
  async authenticate(auth: unknown): Promise<AuthenticatedDevice> {
    if (!hasToken(auth)) throw new Problem('token_missing');
    const parsed = parse(handshakeAuth, auth);
    const identity = await this.tokens.verify(parsed.token);
    const { deviceId, profileId, platform, appVersion, since } = parsed;
    await this.revocations.check({ ...identity, deviceId });
    const { userId } = identity;
    return {
      userId,
      identity,
      deviceId,
      profileId,
      position: positionOf(parsed),
      broadcastPosition: broadcastPositionOf(parsed),
      since,
      registration: { platform, appVersion },
    };
  }

  /**
   * `token.refresh`: the connection lives as long as the new token, which must be of the same user. Throws Problem
   * token_….
   */
  async handle(session: DeviceSession, payload: unknown): Promise<CommandResponse> {
    const { token } = parse(tokenRefreshPayload, payload);
    const identity = await this.tokens.verify(token);
    if (identity.userId !== session.userId)
      throw new Problem('token_invalid', 'The token is of another user.');
    await this.revocations.check({ ...identity, deviceId: session.deviceId });
    Connection.of(session).setToken(identity);
    return { tokenExpiresAt: identity.expiresAt.toISOString() };
  }
}

const hasToken = (auth: unknown): boolean =>
  typeof auth === 'object' &&
  auth !== null &&
  'token' in auth &&
  auth.token !== undefined &&
  auth.token !== '';

/** How far the device has read, as it says; undefined when it does not say. */
function positionOf({ epoch, offset }: HandshakeAuth): Position | undefined {
  if (!epoch || offset === undefined || offset === '') return undefined;
  return { epoch, offset: Number(offset) };
}

/** The same of the broadcasts. */
function broadcastPositionOf({ epoch, broadcast }: HandshakeAuth): BroadcastPosition | undefined {
  if (!epoch || broadcast === undefined || broadcast === '') return undefined;
  return { epoch, number: Number(broadcast) };
}
