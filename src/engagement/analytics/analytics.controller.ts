import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { type EngagementQuery, engagementQuery, engagementResponse } from './analytics.schema.js';
import { AnalyticsService } from './analytics.service.js';

/** What people did, in numbers. */
@ApiTags('operations')
@Controller('v1/analytics')
@NeedsScope('read')
export class AnalyticsController {
  constructor(private readonly analytics: AnalyticsService) {}

  /** Counts engagement in buckets of time. */
  @Get('engagement')
  @Operation({
    id: 'getEngagement',
    summary: 'Read what people did, over time',
    description: 'In buckets of a minute, hour, day or week, 1,500 at most, with a 0 where nothing was done.',
    problems: ['too_many_buckets', 'not_kept'],
  })
  @ApiResponse({ status: 200, standardSchema: engagementResponse })
  @ApiResponse({ status: 304, description: 'It is as the `If-None-Match` of the call says' })
  async engagement(
    @Query({ schema: engagementQuery }) query: EngagementQuery,
    @Res() response: Response,
  ): Promise<void> {
    const { body, etag } = await this.analytics.read(query);
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.setHeader('Cache-Control', 'private, no-cache');
    response.setHeader('ETag', etag);
    response.send(body);
  }
}
