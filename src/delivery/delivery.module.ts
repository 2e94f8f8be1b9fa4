import { Module } from '@nestjs/common';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { PushWakeupService } from '../push/queue/push-wakeup.service.js';
import { DispatcherService } from './dispatcher.service.js';
import { PublishController } from './publish.controller.js';
import { PushQueueStore } from '../push/queue/push-queue.store.js';
import { PushSchedulerWorker } from '../push/queue/push-scheduler.worker.js';
import { HandoffStore } from '../mailbox/handoff/handoff.store.js';
import { NodeRegistryService } from '../cluster/node-registry.service.js';
import { DeliveryOutcomeService } from './receipts/delivery-outcome.service.js';
import { ImmediatePushService } from '../push/queue/immediate-push.service.js';
import { NodeChannelStore, PresenceStore } from '../cluster/presence.store.js';
import { ReceiptsController } from './receipts/receipts.controller.js';
import { ReceiptStore } from './receipts/receipt.store.js';
import { ReceiptsService } from './receipts/receipts.service.js';
import { NodeRouterService } from '../cluster/node-router.service.js';
import { SweepWorker } from './sweep.worker.js';

@Module({
  imports: [DevicesModule, MailboxModule],
  controllers: [PublishController, ReceiptsController],
  providers: [
    PushWakeupService,
    DispatcherService,
    PushSchedulerWorker,
    PushQueueStore,
    HandoffStore,
    ImmediatePushService,
    NodeChannelStore,
    NodeRegistryService,
    DeliveryOutcomeService,
    PresenceStore,
    NodeRouterService,
    ReceiptStore,
    ReceiptsService,
    SweepWorker,
  ],
  exports: [
    PushWakeupService,
    DispatcherService,
    NodeRegistryService,
    PresenceStore,
    ReceiptsService,
    NodeRouterService,
  ],
})
export class DeliveryModule {}
