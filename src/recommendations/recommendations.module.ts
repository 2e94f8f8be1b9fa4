import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { IngestService } from './ingest/ingest.service.js';
import { RecommendationStore } from './recommendation.store.js';
import { FrontPageController, RecommendationsController } from './recommendations.controller.js';

@Module({
  imports: [MailboxModule],
  controllers: [RecommendationsController, FrontPageController],
  providers: [IngestService, RecommendationStore],
})
export class RecommendationsModule {}
