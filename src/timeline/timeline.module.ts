import { Module } from '@nestjs/common';
import { ClusterModule } from '../cluster/cluster.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { TimelineController } from './timeline.controller.js';
import { TimelineService } from './timeline.service.js';
import { TimelineStore } from './timeline.store.js';

/** Answers why a device did or did not get an event. Nothing imports it. */
@Module({
  imports: [ClusterModule, DevicesModule, MailboxModule],
  controllers: [TimelineController],
  providers: [TimelineService, TimelineStore],
})
export class TimelineModule {}
