import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { Delivery } from './delivery.service.js';
import { EventsController } from './events.controller.js';
import { HandoffStore } from './handoff.store.js';
import { Nodes } from './nodes.service.js';
import { Outcomes } from './outcomes.service.js';
import { NodeChannels, PresenceStore } from './presence.store.js';
import { ReceiptStore } from './receipt.store.js';
import { Receipts } from './receipts.service.js';
import { Router } from './router.service.js';
import { Sweep } from './sweep.worker.js';

@Module({
  imports: [MailboxModule],
  controllers: [EventsController],
  providers: [
    Delivery,
    HandoffStore,
    NodeChannels,
    Nodes,
    Outcomes,
    PresenceStore,
    Router,
    ReceiptStore,
    Receipts,
    Sweep,
  ],
  exports: [Delivery, Nodes, PresenceStore, Receipts, Router],
})
export class DeliveryModule {}
