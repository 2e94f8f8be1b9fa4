import { Module } from '@nestjs/common';
import { BroadcastLogWorker } from './broadcast-log.worker.js';
import { BroadcastPublishingService } from './broadcast-publishing.service.js';
import { BroadcastTallyStore } from './receipts/broadcast-tally.store.js';
import { BroadcastTallyWorker } from './receipts/broadcast-tally.worker.js';
import { BroadcastStore } from './broadcast.store.js';
import { BroadcastsController } from './broadcasts.controller.js';
import { BroadcastsService } from './broadcasts.service.js';

/** Events for everyone: one log beside the mailboxes. */
@Module({
  controllers: [BroadcastsController],
  providers: [
    BroadcastLogWorker,
    BroadcastPublishingService,
    BroadcastsService,
    BroadcastStore,
    BroadcastTallyStore,
    BroadcastTallyWorker,
  ],
  exports: [BroadcastLogWorker, BroadcastPublishingService, BroadcastsService, BroadcastTallyWorker],
})
export class BroadcastsModule {}
