import { Module } from '@nestjs/common';
import { ErasureController } from './erasure.controller.js';
import { ErasureService } from './erasure.service.js';
import { ErasureStore } from './erasure.store.js';
import { RetentionStore } from './retention.store.js';
import { RetentionWorker } from './retention.worker.js';

/** What is removed: by age, and of a person who asks for it. */
@Module({
  controllers: [ErasureController],
  providers: [ErasureService, ErasureStore, RetentionStore, RetentionWorker],
})
export class RetentionModule {}
