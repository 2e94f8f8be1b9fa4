import { Module } from '@nestjs/common';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { BudgetStore } from './sending/budget.store.js';
import { BudgetsService } from './sending/budgets.service.js';
import { PushDispatchWorker } from './sending/push-dispatch.worker.js';
import { ForecastController } from './sending/forecast.controller.js';
import { PushStore } from './queue/push.store.js';
import { PushReportService } from './sending/push-report.service.js';
import { PushBatchesService } from './sending/push-batches.service.js';
import { PushSenderService } from './sending/push-sender.service.js';
import { ProvidersModule } from './providers/providers.module.js';
import { ProviderRegistryService } from './providers/provider-registry.service.js';

@Module({
  imports: [DeliveryModule, ProvidersModule],
  controllers: [ForecastController],
  providers: [
    BudgetsService,
    BudgetStore,
    PushDispatchWorker,
    PushReportService,
    PushStore,
    PushBatchesService,
    PushSenderService,
    ProviderRegistryService,
  ],
  exports: [PushSenderService, ProviderRegistryService],
})
export class PushModule {}
