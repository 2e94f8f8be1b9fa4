import { Module } from '@nestjs/common';
import { BroadcastsModule } from '../broadcasts/broadcasts.module.js';
import { ClusterModule } from '../cluster/cluster.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { BroadcastAnnouncementService } from './broadcast-announcement.service.js';
import { DispatcherService } from './dispatcher.service.js';
import { PublishController } from './publish.controller.js';
import { DeliveryOutcomeService } from './receipts/delivery-outcome.service.js';
import { ReceiptStore } from './receipts/receipt.store.js';
import { ReceiptsController } from './receipts/receipts.controller.js';
import { ReceiptsService } from './receipts/receipts.service.js';
import { SweepWorker } from './sweep.worker.js';

/** From the commit to the devices: dispatch, sweep, receipts, and publishing over HTTP. */
@Module({
  imports: [BroadcastsModule, ClusterModule, DevicesModule, MailboxModule],
  controllers: [PublishController, ReceiptsController],
  providers: [
    BroadcastAnnouncementService,
    DeliveryOutcomeService,
    DispatcherService,
    ReceiptStore,
    ReceiptsService,
    SweepWorker,
  ],
  exports: [DispatcherService, ReceiptsService],
})
export class DeliveryModule {}
