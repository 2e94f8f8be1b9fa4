import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { DevicesService } from '../../devices/devices.service.js';
import { CurrentUser, UserGuard } from '../../platform/auth/user-tokens/user.guard.js';
import { Problem } from '../../platform/http/problem.js';
import { type ReceiptReport, receiptReport } from './receipts.schema.js';
import { ReceiptsService } from './receipts.service.js';
import { Operation } from '../../platform/http/docs/operation.js';

/** Receipts over HTTP. */
@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me/receipts')
@UseGuards(UserGuard)
export class ReceiptsController {
  constructor(
    private readonly receipts: ReceiptsService,
    private readonly devices: DevicesService,
  ) {}

  /** Records a receipt of a device that may have no connection: a push was tapped, or shown. Throws Problem unknown_device. */
  @Post()
  @Operation({
    id: 'reportReceipt',
    summary: 'Report that events were applied or seen',
    description: 'For an app that a tap on a push opened, and that has no connection yet.',
    problems: ['unknown_device', 'unknown_event'],
  })
  @HttpCode(204)
  async report(
    @CurrentUser() userId: string,
    @Body({ schema: receiptReport }) body: ReceiptReport,
  ): Promise<void> {
    const { deviceId, ...payload } = body;
    const [isRegistered] = await this.devices.areRegistered([{ userId, deviceId }]);
    if (!isRegistered) throw new Problem('unknown_device');
    await this.receipts.reportOverHttp({ userId, deviceId }, payload);
  }
}
