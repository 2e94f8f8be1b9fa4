import { Module } from '@nestjs/common';
import { EntitlementsModule } from '../entitlements/entitlements.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { PlaybackService } from './playback.service.js';
import { PlaybackStore } from './playback.store.js';
import { WriteBehindWorker } from './write-behind.worker.js';
import { PlaybackActivityStore } from './playback-activity.store.js';

@Module({
  imports: [EntitlementsModule, MailboxModule],
  providers: [PlaybackService, PlaybackStore, WriteBehindWorker, PlaybackActivityStore],
  exports: [PlaybackService, PlaybackActivityStore],
})
export class PlaybackModule {}
