import { Module } from '@nestjs/common';
import { DeviceStore } from './device.store.js';
import { DevicesController } from './devices.controller.js';
import { Devices } from './devices.service.js';

@Module({ controllers: [DevicesController], providers: [Devices, DeviceStore], exports: [Devices] })
export class DevicesModule {}
