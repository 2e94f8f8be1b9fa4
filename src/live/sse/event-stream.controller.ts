import { randomUUID } from 'node:crypto';
import { Controller, Get, Query, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { RevocationsService } from '../../platform/auth/revocations/revocations.service.js';
import { CurrentIdentity, UserGuard } from '../../platform/auth/user-tokens/user.guard.js';
import type { UserIdentity } from '../../platform/auth/user-tokens/token-claims.js';
import { networkOf } from '../../platform/http/client-address.js';
import { AdmissionService, type AuthenticatedDevice } from '../admission/admission.service.js';
import { ConnectionLimiterService } from '../admission/connection-limiter.service.js';
import { type StreamQuery, streamQuery } from '../admission/handshake.schema.js';
import { LastEventId } from './last-event-id.js';
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
    description: 'The `id` of the last event: the stream resumes after it.',
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
    const lastEventId = LastEventId.of(request.headers['last-event-id']);
    const admitted = await this.admission.admit(deviceOf(identity, query, lastEventId), (connection) =>
      response.once('close', () => this.admission.leave(connection)),
    );
    this.admission.start(admitted, new SseTransport(response, lastEventId));
  }
}

/** Without a device id it is a listener of its own, which is not registered as a device. */
function deviceOf(
  identity: UserIdentity,
  query: StreamQuery,
  { mailboxPosition: position, broadcastPosition }: LastEventId,
): AuthenticatedDevice {
  const { userId } = identity;
  const listener = { userId, identity, profileId: query.profileId, position, broadcastPosition };
  if (query.deviceId === undefined) return { ...listener, deviceId: `stream:${randomUUID()}` };
  const registration = { platform: 'web', appVersion: undefined };
  return { ...listener, deviceId: query.deviceId, registration };
}
