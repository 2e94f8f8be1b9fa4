import { randomUUID } from 'node:crypto';
import { Controller, Get, Query, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { Position } from '../../mailbox/position.js';
import { RevocationsService } from '../../platform/auth/revocations/revocations.service.js';
import { CurrentIdentity, UserGuard } from '../../platform/auth/user-tokens/user.guard.js';
import type { UserIdentity } from '../../platform/auth/user-tokens/token-claims.js';
import { networkOf } from '../../platform/http/client-address.js';
import { AdmissionService, type AuthenticatedDevice } from '../admission/admission.service.js';
import { ConnectionLimiterService } from '../admission/connection-limiter.service.js';
import { type StreamQuery, streamQuery } from '../admission/handshake.schema.js';
import { SseTransport } from './sse.transport.js';
import { Operation } from '../../platform/http/docs/operation.js';

/** The endpoint for devices on Server-Sent Events. */
@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me/events')
@UseGuards(UserGuard)
export class EventStreamController {
  constructor(
    private readonly limiter: ConnectionLimiterService,
    private readonly admission: AdmissionService,
    private readonly revocations: RevocationsService,
  ) {}

  /** The same events as on the socket, for places where WebSockets are blocked. */
  @Get()
  @Operation({
    id: 'openEventStream',
    summary: 'Receive events as Server-Sent Events',
    description:
      'The frames of the socket, for places where WebSockets are blocked. The stream ends when the token expires.',
    problems: ['overload', 'draining'],
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: '`<epoch>:<offset>` resumes after that position.',
  })
  @ApiResponse({
    status: 200,
    description: 'Frames, each as `event:` and `data:`, until one side closes',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  async open(
    @CurrentIdentity() identity: UserIdentity,
    @Query({ schema: streamQuery }) query: StreamQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await this.revocations.check({ ...identity, deviceId: query.deviceId });
    // A request that has ended meanwhile says so no more: its stream would be counted for ever.
    if (response.destroyed) return;
    this.limiter.admit(identity.userId);
    const release = this.limiter.openStream(identity.userId, networkOf(request.ip));
    response.once('close', release);
    const position = positionOf(request.headers['last-event-id']);
    const admitted = await this.admission.admit(deviceOf(identity, query, position), (connection) =>
      response.once('close', () => this.admission.leave(connection)),
    );
    this.admission.start(admitted, new SseTransport(response));
  }
}

/** Without a device id it is a listener of its own, which is not registered as a device. */
function deviceOf(
  identity: UserIdentity,
  query: StreamQuery,
  position: Position | undefined,
): AuthenticatedDevice {
  const listener = { userId: identity.userId, identity, profileId: query.profileId, position };
  if (query.deviceId === undefined) return { ...listener, deviceId: `stream:${randomUUID()}` };
  const registration = { platform: 'web', appVersion: undefined };
  return { ...listener, deviceId: query.deviceId, registration };
}

/** `Last-Event-ID` as a position; undefined when it is none, so that the stream begins with a snapshot. */
function positionOf(lastEventId: string | string[] | undefined): Position | undefined {
  const [, epoch, offset] = /^([^:\s]{1,64}):(\d{1,16})$/.exec(String(lastEventId ?? '')) ?? [];
  return epoch === undefined || offset === undefined ? undefined : { epoch, offset: Number(offset) };
}
