import { Module } from '@nestjs/common';
import { DevicesModule } from '../devices/devices.module.js';
import { TemplatesModule } from '../templates/templates.module.js';
import { MailboxController } from './mailbox.controller.js';
import { MailboxService } from './mailbox.service.js';
import { MailboxStore } from './mailbox.store.js';
import { HandoffStore } from './handoff/handoff.store.js';
import { MailboxFragments } from './mailbox.fragments.js';
import { PublishService } from './events/publish.service.js';
import { StateStore } from './state/state.store.js';

/** The durable events of each user: publish, store, read after a position, expire. */
@Module({
  imports: [DevicesModule, TemplatesModule],
  controllers: [MailboxController],
  providers: [HandoffStore, MailboxFragments, MailboxService, MailboxStore, PublishService, StateStore],
  exports: [HandoffStore, MailboxFragments, MailboxService, MailboxStore, PublishService, StateStore],
})
export class MailboxModule {}
