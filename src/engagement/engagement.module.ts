import { Module } from '@nestjs/common';
import { TemplatesModule } from '../templates/templates.module.js';
import { AnalyticsController } from './analytics/analytics.controller.js';
import { AnalyticsService } from './analytics/analytics.service.js';
import { AnswerCacheService } from './analytics/answer-cache.service.js';
import { CacheWarmingService } from './analytics/cache-warming.service.js';
import { RollupCacheService } from './analytics/rollup-cache.service.js';
import { RollupQueryStore } from './analytics/rollup-query.store.js';
import { WatermarkWorker } from './analytics/watermark.worker.js';
import { DeliveriesWorker } from './deliveries/deliveries.worker.js';
import { DeliveryScanStore } from './deliveries/delivery-scan.store.js';
import { LiveBucketStore } from './live/live-bucket.store.js';
import { LiveEngagementController } from './live/live-engagement.controller.js';
import { LiveEngagementService } from './live/live-engagement.service.js';
import { ViewerMonitorWorker } from './live/viewer-monitor.worker.js';
import { PartitionStore } from './partitions/partition.store.js';
import { PartitionsWorker } from './partitions/partitions.worker.js';
import { EngagementController } from './recording/engagement.controller.js';
import { EngagementEventStore } from './recording/engagement-event.store.js';
import { EngagementRecorderService } from './recording/engagement-recorder.service.js';
import { KnownNameStore } from './recording/known-name.store.js';
import { KnownNamesService } from './recording/known-names.service.js';
import { OwnEngagementController } from './recording/own-engagement.controller.js';
import { RollupStore } from './rollups/rollup.store.js';
import { RollupsWorker } from './rollups/rollups.worker.js';
import { ClickRecorderService } from './tracking/click-recorder.service.js';
import { TrackingController } from './tracking/tracking.controller.js';
import { TrackingLinksService } from './tracking/tracking-links.service.js';
import { TrackingService } from './tracking/tracking.service.js';
import { UnsubscriptionsService } from './tracking/unsubscriptions.service.js';

/** What people do with what they are sent: recorded, counted over time, watched live. */
@Module({
  imports: [TemplatesModule],
  controllers: [
    AnalyticsController,
    EngagementController,
    LiveEngagementController,
    OwnEngagementController,
    TrackingController,
  ],
  providers: [
    AnalyticsService,
    AnswerCacheService,
    CacheWarmingService,
    ClickRecorderService,
    DeliveriesWorker,
    DeliveryScanStore,
    EngagementEventStore,
    EngagementRecorderService,
    KnownNamesService,
    KnownNameStore,
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
    UnsubscriptionsService,
    ViewerMonitorWorker,
    WatermarkWorker,
  ],
  exports: [TrackingLinksService],
})
export class EngagementModule {}
