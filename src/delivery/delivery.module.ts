import { Module } from '@nestjs/common';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { Bell } from './bell.service.js';
import { Delivery } from './delivery.service.js';
import { EventsController } from './events.controller.js';
import { FallbackStore } from './fallback.store.js';
import { FallbackClock } from './fallback.worker.js';
import { HandoffStore } from './handoff.store.js';
import { Nodes } from './nodes.service.js';
import { Outcomes } from './outcomes.service.js';
import { Hurry } from './hurry.service.js';
import { NodeChannels, PresenceStore } from './presence.store.js';
import { ReceiptReportController } from './receipt-report.controller.js';
import { ReceiptStore } from './receipt.store.js';
import { Receipts } from './receipts.service.js';
import { Router } from './router.service.js';
import { Sweep } from './sweep.worker.js';

@Module({
  imports: [DevicesModule, MailboxModule],
  controllers: [EventsController, ReceiptReportController],
  providers: [
    Bell,
    Delivery,
    FallbackClock,
    FallbackStore,
    HandoffStore,
    Hurry,
    NodeChannels,
    Nodes,
    Outcomes,
    PresenceStore,
    Router,
    ReceiptStore,
    Receipts,
    Sweep,
  ],
  exports: [Bell, Delivery, Nodes, PresenceStore, Receipts, Router],
})
export class DeliveryModule {}
