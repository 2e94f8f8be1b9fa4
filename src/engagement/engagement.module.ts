import { Module } from '@nestjs/common';
import { AnalyticsController } from './analytics/analytics.controller.js';
import { AnalyticsService } from './analytics/analytics.service.js';
import { FrequentQuestionsService } from './analytics/frequent-questions.service.js';
import { RollupCacheService } from './analytics/rollup-cache.service.js';
import { RollupQueryStore } from './analytics/rollup-query.store.js';
import { WatermarkWorker } from './analytics/watermark.worker.js';
import { DeliveriesWorker } from './deliveries/deliveries.worker.js';
import { DeliveryScanStore } from './deliveries/delivery-scan.store.js';
import { LiveBucketStore } from './live/live-bucket.store.js';
import { LiveEngagementController } from './live/live-engagement.controller.js';
import { LiveEngagementService } from './live/live-engagement.service.js';
import { PartitionStore } from './partitions/partition.store.js';
import { PartitionsWorker } from './partitions/partitions.worker.js';
import { EngagementController } from './recording/engagement.controller.js';
import { EngagementEventStore } from './recording/engagement-event.store.js';
import { EngagementRecorderService } from './recording/engagement-recorder.service.js';
import { OwnEngagementController } from './recording/own-engagement.controller.js';
import { RollupStore } from './rollups/rollup.store.js';
import { RollupsWorker } from './rollups/rollups.worker.js';
import { TrackingController } from './tracking/tracking.controller.js';
import { TrackingLinksService } from './tracking/tracking-links.service.js';
import { TrackingService } from './tracking/tracking.service.js';

/** What people do with what they are sent: recorded, counted over time, watched live. */
@Module({
  controllers: [
    AnalyticsController,
    EngagementController,
    LiveEngagementController,
    OwnEngagementController,
    TrackingController,
  ],
  providers: [
    AnalyticsService,
    DeliveriesWorker,
    DeliveryScanStore,
    EngagementEventStore,
    EngagementRecorderService,
    FrequentQuestionsService,
    LiveBucketStore,
    LiveEngagementService,
    PartitionsWorker,
    PartitionStore,
    RollupCacheService,
    RollupQueryStore,
    RollupStore,
    RollupsWorker,
    TrackingLinksService,
    TrackingService,
    WatermarkWorker,
  ],
  exports: [EngagementRecorderService, TrackingLinksService],
})
export class EngagementModule {}
