import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { Delivery } from './delivery.service.js';
import { HandoffStore } from './handoff.store.js';
import { ReceiptStore } from './receipt.store.js';
import { Receipts } from './receipts.service.js';
import { Sweep } from './sweep.worker.js';

@Module({
  imports: [MailboxModule],
  providers: [Delivery, HandoffStore, ReceiptStore, Receipts, Sweep],
  exports: [Delivery, Receipts],
})
export class DeliveryModule {}
