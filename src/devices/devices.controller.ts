import { Body, Controller, Delete, Get, HttpCode, Param, Put, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiTags } from '@nestjs/swagger';
import { deviceId as deviceIdSchema } from '../platform/auth/ids.schema.js';
import { CurrentUser, UserGuard } from '../platform/auth/user-tokens/user.guard.js';
import { Problem } from '../platform/http/problem.js';
import { deviceAnswer, type DeviceBody, deviceBody, devicesAnswer } from './device.schema.js';
import { DevicesService } from './devices.service.js';
import { Operation } from '../platform/http/docs/operation.js';

/** The user's devices. */
@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me/devices')
@UseGuards(UserGuard)
export class DevicesController {
  constructor(private readonly devices: DevicesService) {}

  /** Registers the device. Its push address leaves whatever device had it before. */
  @Put(':deviceId')
  @Operation({
    id: 'putDevice',
    summary: 'Register a device',
    description: 'What is left out is removed. A push address leaves whatever device had it before.',
  })
  @ApiResponse({ status: 200, standardSchema: deviceAnswer })
  async put(
    @CurrentUser() userId: string,
    @Param('deviceId', { schema: deviceIdSchema }) deviceId: string,
    @Body({ schema: deviceBody }) body: DeviceBody,
  ) {
    await this.devices.put(userId, deviceId, body);
    return (await this.devices.list(userId)).find((device) => device.deviceId === deviceId);
  }

  @Get()
  @Operation({ id: 'listDevices', summary: 'List the own devices' })
  @ApiResponse({ status: 200, standardSchema: devicesAnswer })
  async list(@CurrentUser() userId: string) {
    return { devices: await this.devices.list(userId) };
  }

  @Delete(':deviceId')
  @Operation({
    id: 'removeDevice',
    summary: 'Remove a device',
    description: 'Closes its connection and ends its pushes.',
    problems: ['not_found'],
  })
  @HttpCode(204)
  async remove(
    @CurrentUser() userId: string,
    @Param('deviceId', { schema: deviceIdSchema }) deviceId: string,
  ): Promise<void> {
    if (!(await this.devices.remove(userId, deviceId)))
      throw new Problem('not_found', 'You have no such device.');
  }
}
