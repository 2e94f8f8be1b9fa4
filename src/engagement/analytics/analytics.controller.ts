import { Controller, Get, Header, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { engagementAnswer, type EngagementQuery, engagementQuery } from './analytics.schema.js';
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
  @Header('Content-Type', 'application/json; charset=utf-8')
  @ApiResponse({ status: 200, standardSchema: engagementAnswer })
  engagement(@Query({ schema: engagementQuery }) query: EngagementQuery) {
    return this.analytics.read(query);
  }
}
