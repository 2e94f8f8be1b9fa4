import { Module } from '@nestjs/common';
import { ClusterModule } from '../cluster/cluster.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { SupportController } from './support.controller.js';
import { SupportService } from './support.service.js';

/** What people do to help one user. Nothing imports it. */
@Module({
  imports: [ClusterModule, DevicesModule, MailboxModule],
  controllers: [SupportController],
  providers: [SupportService],
})
export class SupportModule {}
