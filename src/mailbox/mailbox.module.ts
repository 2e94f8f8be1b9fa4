import { Module } from '@nestjs/common';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxExpiryWorker } from './mailbox-expiry.worker.js';
import { FeedService } from './feed.service.js';
import { MailboxController } from './mailbox.controller.js';
import { MailboxService } from './mailbox.service.js';
import { MailboxStore } from './mailbox.store.js';
import { PublishService } from './events/publish.service.js';
import { StateStore } from './state/state.store.js';

@Module({
  imports: [DevicesModule],
  controllers: [MailboxController],
  providers: [FeedService, MailboxService, MailboxStore, StateStore, PublishService, MailboxExpiryWorker],
  exports: [FeedService, MailboxService, MailboxStore, PublishService, StateStore],
})
export class MailboxModule {}
