import { Module } from '@nestjs/common';
import { DeviceStore } from './device.store.js';
import { DeviceUpdateCommand } from './device-update.service.js';
import { DevicesController } from './devices.controller.js';
import { DevicesService } from './devices.service.js';
import { PreferenceStore } from './preferences/preference.store.js';
import { PreferencesController } from './preferences/preferences.controller.js';
import { DeviceRetirementWorker } from './device-retirement.worker.js';

@Module({
  controllers: [DevicesController, PreferencesController],
  providers: [DevicesService, DeviceStore, DeviceUpdateCommand, DeviceRetirementWorker, PreferenceStore],
  exports: [DevicesService, DeviceUpdateCommand],
})
export class DevicesModule {}
