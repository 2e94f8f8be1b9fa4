import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { RecommendationIngest } from './ingest.service.js';
import { RecommendationStore } from './recommendation.store.js';
import { FrontPageController, RecommendationsController } from './recommendations.controller.js';

@Module({
  imports: [MailboxModule],
  controllers: [RecommendationsController, FrontPageController],
  providers: [RecommendationIngest, RecommendationStore],
})
export class RecommendationsModule {}
