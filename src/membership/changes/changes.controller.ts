import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CurrentUser, UserGuard } from '../../platform/auth/user-tokens/user.guard.js';
import { Idempotent } from '../../platform/http/idempotency/idempotency.interceptor.js';
import { type ChangeBody, changeBody, membershipResponse } from './changes.schema.js';
import { ChangesService } from './changes.service.js';
import { Operation } from '../../platform/http/docs/operation.js';

/** What users may change about their own membership. */
@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me/membership')
@UseGuards(UserGuard)
export class ChangesController {
  constructor(private readonly changes: ChangesService) {}

  /** Cancels at the end of the paid period, resumes, or changes the plan: at the processor, whose state is then applied here. */
  @Post('changes')
  @Operation({
    id: 'changeMembership',
    summary: 'Cancel, resume or change the own membership',
    description:
      'The processor carries it out; the response is the membership afterwards, with `pendingChange` while the processor has not confirmed.',
    problems: ['unknown_plan', 'illegal_change', 'change_pending', 'change_refused', 'not_configured'],
  })
  @HttpCode(202)
  @Idempotent()
  @ApiResponse({ status: 202, standardSchema: membershipResponse, description: 'The membership afterwards' })
  request(@CurrentUser() userId: string, @Body({ schema: changeBody }) body: ChangeBody) {
    return this.changes.request(userId, body);
  }
}
