import { Module } from '@nestjs/common';
import { EntitlementsModule } from '../entitlements/entitlements.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { Playback } from './playback.service.js';
import { PlaybackStore } from './playback.store.js';
import { Unsaved } from './unsaved.worker.js';
import { WatchingStore } from './watching.store.js';

@Module({
  imports: [EntitlementsModule, MailboxModule],
  providers: [Playback, PlaybackStore, Unsaved, WatchingStore],
  exports: [Playback, WatchingStore],
})
export class PlaybackModule {}
