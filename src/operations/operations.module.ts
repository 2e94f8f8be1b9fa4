import { Module } from '@nestjs/common';
import { ClusterModule } from '../cluster/cluster.module.js';
import { BacklogMonitorWorker } from './backlog-monitor.worker.js';
import { OverviewController } from './overview.controller.js';
import { OverviewService } from './overview.service.js';
import { OverviewStore } from './overview.store.js';
import { SearchController } from './search.controller.js';
import { SearchService } from './search.service.js';
import { SearchStore } from './search.store.js';
import { SendingRatesService } from './sending-rates.service.js';
import { PushModule } from '../push/push.module.js';

/** What people look at who run the gateway. Nothing imports it. */
@Module({
  imports: [ClusterModule, PushModule],
  controllers: [OverviewController, SearchController],
  providers: [
    BacklogMonitorWorker,
    OverviewService,
    OverviewStore,
    SearchService,
    SearchStore,
    SendingRatesService,
  ],
  exports: [SendingRatesService],
})
export class OperationsModule {}
