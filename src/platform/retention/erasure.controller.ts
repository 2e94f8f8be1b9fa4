import { Controller, Delete, HttpCode, Param } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../audit/audited.decorator.js';
import { userId as userIdSchema } from '../auth/ids.schema.js';
import { NeedsScope } from '../auth/service-keys/service-key.guard.js';
import { ErasureService } from './erasure.service.js';
import { Operation } from '../http/docs/operation.js';

/** Erasing a person, for back offices. */
@ApiTags('back offices')
@Controller('v1/users')
@NeedsScope('admin')
export class ErasureController {
  constructor(private readonly erasure: ErasureService) {}

  /** Erases all that is stored of a user, closes their connections, stops their streams and refuses their tokens. May be repeated. */
  @Delete(':userId')
  @Operation({
    id: 'eraseUser',
    summary: 'Erase a user',
    description:
      'Removes all that is stored of a person, closes their connections, stops their streams and refuses their tokens. It may be repeated, and should be after an error.',
  })
  @HttpCode(204)
  @Audited()
  async erase(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @CurrentAuditContext() by: AuditContext,
  ): Promise<void> {
    await this.erasure.erase(userId, by);
  }
}
