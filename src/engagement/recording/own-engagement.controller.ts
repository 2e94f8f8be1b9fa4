import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CurrentUser, UserGuard } from '../../platform/auth/user-tokens/user.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { engagementRecorded, type OwnEngagementBatch, ownEngagementBatch } from './engagement.schema.js';
import { EngagementRecorderService } from './engagement-recorder.service.js';

/** What people did, as their apps see it. */
@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me/engagement')
@UseGuards(UserGuard)
export class OwnEngagementController {
  constructor(private readonly recorder: EngagementRecorderService) {}

  /** Stores events of the user; the app keeps them until this succeeds, and may send them again. */
  @Post()
  @Operation({
    id: 'recordOwnEngagement',
    summary: 'Record what the user did',
    description:
      'Up to 1,000 events, as of POST /v1/engagement, without `userId`: of kinds that an app can know. A team, campaign or template that is not known counts as `(other)`.',
  })
  @HttpCode(200)
  @ApiResponse({ status: 200, standardSchema: engagementRecorded })
  record(
    @CurrentUser() userId: string,
    @Body({ schema: ownEngagementBatch }) { events }: OwnEngagementBatch,
  ) {
    return this.recorder.recordOwn(userId, events);
  }
}
