import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CurrentUser, UserGuard } from '../../platform/auth/user-tokens/user.guard.js';
import { Idempotent } from '../../platform/http/idempotency/idempotency.interceptor.js';
import { type ChangeBody, changeBody, membershipResponse } from './changes.schema.js';
import { ChangesService } from './changes.service.js';

/** What users may change about their own membership. */
@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me/membership')
@UseGuards(UserGuard)
export class ChangesController {
  constructor(private readonly changes: ChangesService) {}

  /** Cancels at the end of the paid period, resumes, or changes the plan: at the processor, whose state is then applied here. */
  @Post('changes')
  @HttpCode(202)
  @Idempotent()
  @ApiResponse({ status: 202, standardSchema: membershipResponse, description: 'The membership afterwards' })
  @ApiResponse({ status: 409, description: 'illegal_change, change_pending or change_refused' })
  @ApiResponse({ status: 422, description: 'unknown_plan' })
  @ApiResponse({ status: 501, description: 'not_configured: the processor’s API cannot be called from here' })
  request(@CurrentUser() userId: string, @Body({ schema: changeBody }) body: ChangeBody) {
    return this.changes.request(userId, body);
  }
}
