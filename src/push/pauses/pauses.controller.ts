import { Body, Controller, Delete, HttpCode, Param, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { type PauseBody, pauseBody, pauseResponse, vendor as vendorSchema } from './pauses.schema.js';
import { PausesService } from './pauses.service.js';

@ApiTags('operations')
@Controller('v1/push/pauses/:vendor')
@NeedsScope('operate')
export class PausesController {
  constructor(private readonly pauses: PausesService) {}

  /** Holds the pushes of a provider back, on all nodes. */
  @Put()
  @Operation({
    id: 'pausePush',
    summary: 'Hold the pushes of a provider back',
    description:
      'On all nodes within a second, but for what is being sent. Pushes wait, for 24 hours at most, and so do those that come; devices that are connected get their events all the same.',
    problems: ['not_found'],
  })
  @Audited('required')
  @ApiResponse({ status: 200, standardSchema: pauseResponse })
  pause(
    @Param('vendor', { schema: vendorSchema }) vendor: string,
    @Body({ schema: pauseBody }) body: PauseBody,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.pauses.pause(vendor, body, by);
  }

  /** Ends a pause. */
  @Delete()
  @Operation({
    id: 'resumePush',
    summary: 'Send the pushes of a provider again',
    description: 'What waited is sent as the budget of the provider allows, each if it is still wanted then.',
    problems: ['not_found'],
  })
  @HttpCode(204)
  @Audited('required')
  async resume(
    @Param('vendor', { schema: vendorSchema }) vendor: string,
    @CurrentAuditContext() by: AuditContext,
  ): Promise<void> {
    await this.pauses.resume(vendor, by);
  }
}
