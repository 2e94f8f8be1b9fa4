import { Module } from '@nestjs/common';
import { ClusterModule } from '../cluster/cluster.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { TemplatesModule } from '../templates/templates.module.js';
import { PauseStore } from './pauses/pause.store.js';
import { PausesController } from './pauses/pauses.controller.js';
import { PausesService } from './pauses/pauses.service.js';
import { ProvidersModule } from './providers/providers.module.js';
import { ImmediatePushService } from './queue/immediate-push.service.js';
import { PushSchedulerWorker } from './queue/push-scheduler.worker.js';
import { PushStore } from './queue/push.store.js';
import { PushResultStore } from './results/push-result.store.js';
import { PushResultsWorker } from './results/push-results.worker.js';
import { ResultsController } from './results/results.controller.js';
import { BudgetsService } from './sending/budgets.service.js';
import { ForecastController } from './sending/forecast.controller.js';
import { PushBatchesService } from './sending/push-batches.service.js';
import { PushDispatchWorker } from './sending/push-dispatch.worker.js';
import { PushReportService } from './sending/push-report.service.js';
import { PushSenderService } from './sending/push-sender.service.js';

/** Push to devices that are not connected: the queue, the sending, the providers. */
@Module({
  imports: [ClusterModule, DevicesModule, MailboxModule, ProvidersModule, TemplatesModule],
  controllers: [ForecastController, PausesController, ResultsController],
  providers: [
    BudgetsService,
    ImmediatePushService,
    PausesService,
    PauseStore,
    PushBatchesService,
    PushDispatchWorker,
    PushReportService,
    PushResultStore,
    PushResultsWorker,
    PushSchedulerWorker,
    PushSenderService,
    PushStore,
  ],
  exports: [ProvidersModule, PushReportService, PushStore],
})
export class PushModule {}
