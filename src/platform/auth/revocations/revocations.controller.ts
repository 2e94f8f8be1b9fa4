import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../../audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../audit/audited.decorator.js';
import { Idempotent } from '../../http/idempotency/idempotency.interceptor.js';
import { userId as userIdSchema } from '../ids.schema.js';
import { newRevocation, type NewRevocation, revocationResponse } from './revocations.schema.js';
import { RevocationsService } from './revocations.service.js';
import { NeedsScope } from '../service-keys/service-key.guard.js';
import { Operation } from '../../http/docs/operation.js';

/** Revoking user tokens, for back offices. */
@ApiTags('operations')
@Controller('v1/users/:userId/revocations')
@NeedsScope('support')
export class RevocationsController {
  constructor(private readonly revocations: RevocationsService) {}

  /** Refuses the tokens that a user, one of their devices, or nobody should have any more; live connections are closed. */
  @Post()
  @Operation({
    id: 'revokeTokens',
    summary: 'Revoke tokens of a user',
    description:
      'All of them, those that one device uses, or one. Connections that were opened with them are closed. Tokens that your sign-in issues later are valid.',
  })
  @Idempotent()
  @Audited('required')
  @ApiResponse({ status: 201, standardSchema: revocationResponse })
  async revoke(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Body({ schema: newRevocation }) { deviceId, tokenId }: NewRevocation,
    @CurrentAuditContext() by: AuditContext,
  ) {
    const { notBefore } = await this.revocations.revoke({ userId, deviceId, tokenId }, by);
    return { userId, deviceId, tokenId, notBefore: new Date(notBefore).toISOString() };
  }
}
