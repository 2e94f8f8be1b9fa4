import { Module } from '@nestjs/common';
import { DeviceStore } from './device.store.js';
import { DeviceUpdateCommand } from './commands/device-update.command.js';
import { DevicesController } from './devices.controller.js';
import { DevicesService } from './devices.service.js';
import { PreferenceStore } from './preferences/preference.store.js';
import { PreferencesController } from './preferences/preferences.controller.js';
import { DeviceRetirementWorker } from './device-retirement.worker.js';

/** The devices of each user, their push addresses, and what users want to be pushed. */
@Module({
  controllers: [DevicesController, PreferencesController],
  providers: [DevicesService, DeviceStore, DeviceUpdateCommand, DeviceRetirementWorker, PreferenceStore],
  exports: [DevicesService, DeviceUpdateCommand],
})
export class DevicesModule {}
