import { Module } from '@nestjs/common';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { BudgetStore } from './budget.store.js';
import { Budgets } from './budgets.service.js';
import { Dispatch } from './dispatch.worker.js';
import { ForecastController } from './forecast.controller.js';
import { PushStore } from './push.store.js';
import { PushReport } from './report.service.js';
import { Rounds } from './rounds.service.js';
import { Sending } from './sending.service.js';
import { VendorsModule } from './vendors.module.js';
import { Vendors } from './vendors.service.js';

@Module({
  imports: [DeliveryModule, VendorsModule],
  controllers: [ForecastController],
  providers: [Budgets, BudgetStore, Dispatch, PushReport, PushStore, Rounds, Sending, Vendors],
  exports: [Sending, Vendors],
})
export class PushModule {}
