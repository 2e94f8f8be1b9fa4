import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { ChangeExecutionService } from './changes/change-execution.service.js';
import { ChangeRetryWorker } from './changes/change-retry.worker.js';
import { ChangeStore } from './changes/change.store.js';
import { ChangesController } from './changes/changes.controller.js';
import { ChangesService } from './changes/changes.service.js';
import { RefetchService } from './subscriptions/refetch.service.js';
import { SubscriptionFetchService } from './subscriptions/subscription-fetch.service.js';
import { SubscriptionUpdateService } from './subscriptions/subscription-update.service.js';
import { LinkStore } from './links/link.store.js';
import { LinksService } from './links/links.service.js';
import { LinksController } from './links/links.controller.js';
import { SubscriptionsController } from './subscriptions/subscriptions.controller.js';
import { PlansController } from './plans/plans.controller.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';
import { MembershipService } from './membership.service.js';
import { MembershipStore } from './membership.store.js';
import { WebhookMonitorWorker } from './webhooks/webhook-monitor.worker.js';
import { PlanRolloutWorker } from './plans/plan-rollout.worker.js';
import { PlanStore } from './plans/plan.store.js';
import { PlansService } from './plans/plans.service.js';
import type { Processor } from './processors/processor.js';
import { ProcessorBudgetService } from './processors/processor-budget.service.js';
import { PROCESSORS_BY_NAME, ProcessorsService } from './processors/processors.service.js';
import { PROCESSORS } from './processors/registry.js';
import { ReconciliationService } from './subscriptions/reconciliation.service.js';
import { ReconciliationStore } from './subscriptions/reconciliation.store.js';
import { ReconciliationWorker } from './subscriptions/reconciliation.worker.js';
import { ScheduledEndWorker } from './scheduled-end.worker.js';
import { SubscriptionStore } from './subscriptions/subscription.store.js';
import { WebhookDispatchService } from './webhooks/webhook-dispatch.service.js';
import { WebhookLookupService } from './webhooks/webhook-lookup.service.js';
import { WebhookQueueStore } from './webhooks/webhook-queue.store.js';
import { WebhookWakeupWorker } from './webhooks/webhook-wakeup.worker.js';
import { WebhookApplicationService } from './webhooks/webhook-application.service.js';
import { WebhookRetryWorker } from './webhooks/webhook-retry.worker.js';
import { WebhookStore } from './webhooks/webhook.store.js';
import { WebhooksService } from './webhooks/webhooks.service.js';

const processorClasses = Object.values(PROCESSORS);
const processorsByName = (...instances: Processor[]): ReadonlyMap<string, Processor> =>
  new Map(Object.keys(PROCESSORS).map((name, n) => [name, instances[n] as Processor]));

/** Memberships: what users pay for. */
@Module({
  imports: [MailboxModule],
  controllers: [
    WebhooksController,
    PlansController,
    LinksController,
    SubscriptionsController,
    ChangesController,
  ],
  providers: [
    ...processorClasses,
    { provide: PROCESSORS_BY_NAME, useFactory: processorsByName, inject: processorClasses },
    ProcessorsService,
    ProcessorBudgetService,
    MembershipService,
    MembershipStore,
    SubscriptionStore,
    SubscriptionFetchService,
    SubscriptionUpdateService,
    WebhooksService,
    WebhookDispatchService,
    WebhookApplicationService,
    WebhookLookupService,
    WebhookStore,
    WebhookQueueStore,
    WebhookWakeupWorker,
    WebhookRetryWorker,
    ReconciliationService,
    RefetchService,
    ReconciliationStore,
    ReconciliationWorker,
    WebhookMonitorWorker,
    ScheduledEndWorker,
    PlanRolloutWorker,
    PlansService,
    PlanStore,
    LinkStore,
    LinksService,
    ChangesService,
    ChangeExecutionService,
    ChangeStore,
    ChangeRetryWorker,
  ],
  exports: [MembershipService, SubscriptionStore],
})
export class MembershipModule {}
