import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../platform/audit/audited.decorator.js';
import { deviceId as deviceIdSchema, userId as userIdSchema } from '../platform/auth/ids.schema.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { testEventResponse } from './support.schema.js';
import { SupportService } from './support.service.js';
import { Operation } from '../platform/http/docs/operation.js';

/** Helps with one device of a user. */
@ApiTags('operations')
@Controller('v1/users/:userId/devices/:deviceId')
@NeedsScope('support')
export class SupportController {
  constructor(private readonly support: SupportService) {}

  /** Sends the device an event of the type `support.test`, by its socket or by push. The timeline tells what became of it. */
  @Post('test-event')
  @Operation({
    id: 'sendTestEvent',
    summary: 'Send a test event to a device',
    problems: ['unknown_device', 'not_found'],
  })
  @HttpCode(202)
  @Audited('required')
  @ApiResponse({ status: 202, standardSchema: testEventResponse })
  testEvent(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Param('deviceId', { schema: deviceIdSchema }) deviceId: string,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.support.sendTestEvent(userId, deviceId, by);
  }

  /** Ends the device's connection. It reconnects at once, and resumes from its position. */
  @Post('disconnect')
  @Operation({ id: 'disconnectDevice', summary: 'Close the connection of a device' })
  @HttpCode(204)
  @Audited()
  async disconnect(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Param('deviceId', { schema: deviceIdSchema }) deviceId: string,
    @CurrentAuditContext() by: AuditContext,
  ): Promise<void> {
    await this.support.disconnect(userId, deviceId, by);
  }
}
