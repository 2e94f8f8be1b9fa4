import { Module } from '@nestjs/common';
import { StreamsModule } from '../streams/streams.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { PlaybackService } from './playback.service.js';
import { PlaybackStore } from './playback.store.js';
import { WriteBehindWorker } from './write-behind.worker.js';
import { PlaybackActivityStore } from './playback-activity.store.js';

/** Heartbeats, positions and the question "still watching?". */
@Module({
  imports: [StreamsModule, MailboxModule],
  providers: [PlaybackService, PlaybackStore, WriteBehindWorker, PlaybackActivityStore],
  exports: [PlaybackActivityStore],
})
export class PlaybackModule {}
