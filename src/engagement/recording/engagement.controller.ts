import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { type EngagementBatch, engagementBatch, engagementRecorded } from './engagement.schema.js';
import { EngagementRecorderService } from './engagement-recorder.service.js';

/** What people did, as back offices know it. */
@ApiTags('back offices')
@Controller('v1/engagement')
export class EngagementController {
  constructor(private readonly recorder: EngagementRecorderService) {}

  /** Stores events; what was sent before changes nothing, so a call that failed is simply made again. */
  @Post()
  @Operation({
    id: 'recordEngagement',
    summary: 'Record what people did',
    description:
      'Up to 1,000 events. An event that is known by its id changes nothing. Those whose time is too far away are named; the others are stored.',
  })
  @HttpCode(200)
  @NeedsScope('publish')
  @ApiResponse({ status: 200, standardSchema: engagementRecorded })
  record(@Body({ schema: engagementBatch }) { events }: EngagementBatch) {
    return this.recorder.record(events);
  }
}
