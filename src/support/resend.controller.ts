import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../platform/audit/audited.decorator.js';
import { eventId as eventIdSchema, userId as userIdSchema } from '../platform/auth/ids.schema.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../platform/http/docs/operation.js';
import { ResendService } from './resend.service.js';
import { type ResendBody, resendBody, resentResponse } from './support.schema.js';

@ApiTags('operations')
@Controller('v1/users/:userId/events/:eventId/resend')
@NeedsScope('support')
export class ResendController {
  constructor(private readonly events: ResendService) {}

  /** Sends an event again to devices that have not got it. */
  @Post()
  @Operation({
    id: 'resendEvent',
    summary: 'Send an event again to devices that have not got it',
    description:
      'As it is, with its id and offset: a device that has it all the same ignores it, and nothing comes in another order. One that is connected is sent it again, for one that is not a push is queued anew, within the preferences of the user.',
    problems: ['not_found', 'conflict', 'unknown_device'],
  })
  @HttpCode(202)
  @Audited('required')
  @ApiResponse({ status: 202, standardSchema: resentResponse })
  resend(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Param('eventId', { schema: eventIdSchema }) eventId: string,
    @Body({ schema: resendBody }) body: ResendBody,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.events.resend(userId, eventId, body, by);
  }
}
