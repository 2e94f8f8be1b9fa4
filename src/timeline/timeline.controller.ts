import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { eventId, userId as userIdSchema } from '../platform/auth/ids.schema.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import {
  type TimelineEventQuery,
  eventQuery,
  eventResponse,
  timelineResponse,
  timelineQuery,
  type TimelineQuery,
  userResponse,
} from './timeline.schema.js';
import { TimelineService } from './timeline.service.js';
import { Operation } from '../platform/http/docs/operation.js';

/** Explains a user to a back office. */
@ApiTags('back offices')
@Controller('v1/users/:userId')
@NeedsScope('read')
export class TimelineController {
  constructor(private readonly timeline: TimelineService) {}

  /** Everything about one user, in one response. */
  @Get()
  @Operation({ id: 'getUser', summary: 'Read all that is known of a user' })
  @ApiResponse({ status: 200, standardSchema: userResponse })
  user(@Param('userId', { schema: userIdSchema }) userId: string) {
    return this.timeline.describeUser(userId);
  }

  /** What happened to one user, from webhook to receipt, and why each device did or did not get each event. Newest first. */
  @Get('timeline')
  @Operation({
    id: 'getTimeline',
    summary: 'Read what happened to a user',
    description:
      'From webhook to receipt, the newest first, and why each device did or did not get each event.',
  })
  @ApiResponse({ status: 200, standardSchema: timelineResponse })
  read(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Query({ schema: timelineQuery }) query: TimelineQuery,
  ) {
    return this.timeline.list(userId, query);
  }

  /** One event: whether each device of the user got it, and why not. Known for as long as receipts are kept. */
  @Get('events/:eventId')
  @Operation({
    id: 'getEvent',
    summary: 'Read whether each device of a user got an event',
    problems: ['not_found'],
  })
  @ApiResponse({ status: 200, standardSchema: eventResponse })
  event(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Param('eventId', { schema: eventId }) id: string,
    @Query({ schema: eventQuery }) query: TimelineEventQuery,
  ) {
    return this.timeline.describeEvent(userId, id, query);
  }
}
