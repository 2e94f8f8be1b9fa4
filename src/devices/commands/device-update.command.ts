import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { parse } from '../../platform/http/validation.js';
import { HandlesDeviceCommand } from './device-command.decorator.js';
import type { CommandResponse, DeviceCommand, DeviceSession } from './device-command.js';
import { deviceUpdate } from '../device.schema.js';
import { DeviceStore } from '../device.store.js';

/** `device.update`: a new push address, time zone or language of a device that is connected. */
@Injectable()
@HandlesDeviceCommand('device.update')
export class DeviceUpdateCommand implements DeviceCommand {
  constructor(private readonly store: DeviceStore) {}

  async handle(session: DeviceSession, payload: unknown): Promise<CommandResponse> {
    const { userId, deviceId } = session;
    const changes = parse(deviceUpdate, payload);
    if (!(await this.store.update({ userId, deviceId }, changes))) throw new Problem('unknown_device');
    session.deviceName = changes.name ?? session.deviceName;
    return {};
  }
}
