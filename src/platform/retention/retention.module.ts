import { Module } from '@nestjs/common';
import { RetentionStore } from './retention.store.js';
import { RetentionWorker } from './retention.worker.js';

/** What is removed because it is old. */
@Module({ providers: [RetentionStore, RetentionWorker] })
export class RetentionModule {}
