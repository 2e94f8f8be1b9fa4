import { Module } from '@nestjs/common';
import { DeviceStore } from './device.store.js';
import { DeviceUpdateCommand } from './device-update.service.js';
import { DevicesController } from './devices.controller.js';
import { Devices } from './devices.service.js';
import { PreferenceStore } from './preference.store.js';
import { PreferencesController } from './preferences.controller.js';
import { DeviceRetirement } from './retirement.worker.js';

@Module({
  controllers: [DevicesController, PreferencesController],
  providers: [Devices, DeviceStore, DeviceUpdateCommand, DeviceRetirement, PreferenceStore],
  exports: [Devices, DeviceUpdateCommand],
})
export class DevicesModule {}
