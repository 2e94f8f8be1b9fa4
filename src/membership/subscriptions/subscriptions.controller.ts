import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { userId as userIdSchema } from '../../platform/auth/ids.schema.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { RefetchService } from './refetch.service.js';
import { refetchResponse } from './subscriptions.schema.js';
import { Operation } from '../../platform/http/docs/operation.js';

/** A user's subscriptions, for people who help. */
@ApiTags('operations')
@Controller('v1/users/:userId/subscriptions')
@NeedsScope('support')
export class SubscriptionsController {
  constructor(private readonly refetches: RefetchService) {}

  /** Asks the payment processors for the user's subscriptions now, and repairs what differs. */
  @Post('refetch')
  @Operation({ id: 'refetchSubscriptions', summary: 'Ask the processors for the subscriptions of a user' })
  @HttpCode(200)
  @Audited()
  @ApiResponse({ status: 200, standardSchema: refetchResponse })
  async refetch(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return { subscriptions: await this.refetches.refetch(userId, by) };
  }
}
