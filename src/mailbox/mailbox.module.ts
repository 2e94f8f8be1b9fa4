import { Module } from '@nestjs/common';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxExpiry } from './expiry.worker.js';
import { Feed } from './feed.service.js';
import { MailboxController } from './mailbox.controller.js';
import { Mailbox } from './mailbox.service.js';
import { MailboxStore } from './mailbox.store.js';
import { Publishing } from './publish.service.js';
import { StateStore } from './state.store.js';

@Module({
  imports: [DevicesModule],
  controllers: [MailboxController],
  providers: [Feed, Mailbox, MailboxStore, StateStore, Publishing, MailboxExpiry],
  exports: [Feed, Mailbox, MailboxStore, Publishing, StateStore],
})
export class MailboxModule {}
