import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { findPerson, findServiceKey } from '../../platform/auth/caller.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { Problem } from '../../platform/http/problem.js';
import { type StreamedEngagementQuery, streamedEngagementQuery } from '../analytics/analytics.schema.js';
import { LiveEngagementService, type LiveViewer } from './live-engagement.service.js';
import { ViewerTransport } from './viewer.transport.js';

/** What people do now. */
@ApiTags('operations')
@Controller('v1/analytics/stream')
@NeedsScope('read')
export class LiveEngagementController {
  constructor(private readonly live: LiveEngagementService) {}

  /** The minutes of the last hour, and from then on those that change. */
  @Get()
  @Operation({
    id: 'watchEngagement',
    summary: 'Watch what people do now, as Server-Sent Events',
    description:
      'Events `buckets`: minutes that are new or have changed, with absolute counts. Who does not read is disconnected.',
    problems: ['overload'],
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The `version` of the last event: only what changed since is sent',
  })
  @ApiResponse({
    status: 200,
    description: 'Events, each as `id:`, `event:` and `data:`, until one side closes',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  async watch(
    @Query({ schema: streamedEngagementQuery }) { team = '*', campaign = '*' }: StreamedEngagementQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const viewer = new ViewerTransport(
      response,
      { team, campaign },
      versionOf(request.headers['last-event-id']),
      accessOf(request),
    );
    const leave = await this.live.watch(viewer);
    if (response.destroyed) leave();
    else response.once('close', leave);
  }
}

function accessOf(request: Request): LiveViewer['access'] {
  const person = findPerson(request);
  if (person) return { by: 'session', id: person.sessionId };
  const key = findServiceKey(request);
  if (!key) throw new Problem('unauthorized', 'A valid service key is needed.');
  return { by: 'key', id: key.id };
}

/** 0, for everything, when it is none. */
const versionOf = (lastEventId: string | string[] | undefined): number =>
  /^\d{1,15}$/.test(String(lastEventId)) ? Number(lastEventId) : 0;
