import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { IngestService } from './ingest/ingest.service.js';
import { LineChecksService } from './ingest/line-checks.service.js';
import { PaceService } from './pacing/pace.service.js';
import { RunStore } from './runs/run.store.js';
import { RunsController } from './runs/runs.controller.js';
import { RunsService } from './runs/runs.service.js';
import { RecommendationStore } from './recommendation.store.js';
import {
  FrontPageController,
  RecommendationsController,
  UserRecommendationsController,
} from './recommendations.controller.js';

/** The nightly front pages: ingested by back offices, read by apps. */
@Module({
  imports: [MailboxModule],
  controllers: [
    RecommendationsController,
    UserRecommendationsController,
    FrontPageController,
    RunsController,
  ],
  providers: [IngestService, LineChecksService, PaceService, RecommendationStore, RunsService, RunStore],
})
export class RecommendationsModule {}
