import { Module } from '@nestjs/common';
import { ClusterModule } from '../cluster/cluster.module.js';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { PushModule } from '../push/push.module.js';
import { ResendController } from './resend.controller.js';
import { ResendService } from './resend.service.js';
import { ResendStore } from './resend.store.js';
import { SupportController } from './support.controller.js';
import { SupportService } from './support.service.js';

/** What people do to help one user. Nothing imports it. */
@Module({
  imports: [ClusterModule, DeliveryModule, DevicesModule, MailboxModule, PushModule],
  controllers: [ResendController, SupportController],
  providers: [ResendService, ResendStore, SupportService],
})
export class SupportModule {}
