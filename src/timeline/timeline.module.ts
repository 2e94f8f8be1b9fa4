import { Module } from '@nestjs/common';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { TimelineController } from './timeline.controller.js';
import { TimelineService } from './timeline.service.js';
import { TimelineStore } from './timeline.store.js';

@Module({
  imports: [DeliveryModule, DevicesModule, MailboxModule],
  controllers: [TimelineController],
  providers: [TimelineService, TimelineStore],
})
export class TimelineModule {}
