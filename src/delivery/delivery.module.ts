import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { Delivery } from './delivery.service.js';
import { HandoffStore } from './handoff.store.js';
import { Nodes } from './nodes.service.js';
import { NodeChannels, PresenceStore } from './presence.store.js';
import { ReceiptStore } from './receipt.store.js';
import { Receipts } from './receipts.service.js';
import { Router } from './router.service.js';
import { Sweep } from './sweep.worker.js';

@Module({
  imports: [MailboxModule],
  providers: [
    Delivery,
    HandoffStore,
    NodeChannels,
    Nodes,
    PresenceStore,
    Router,
    ReceiptStore,
    Receipts,
    Sweep,
  ],
  exports: [Delivery, Nodes, PresenceStore, Receipts, Router],
})
export class DeliveryModule {}
