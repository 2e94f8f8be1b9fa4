import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { AppleProcessor } from './processors/apple/apple.processor.js';
import { ChangeExecutionService } from './changes/change-execution.service.js';
import { ChangeRetryWorker } from './changes/change-retry.worker.js';
import { ChangeStore } from './changes/change.store.js';
import { ChangesController } from './changes/changes.controller.js';
import { ChangesService } from './changes/changes.service.js';
import { GoogleProcessor } from './processors/google/google.processor.js';
import { LookupService } from './subscriptions/lookup.service.js';
import { PlansController, WebhooksController } from './webhooks/webhooks.controller.js';
import { MembershipService } from './membership.service.js';
import { MembershipStore } from './membership.store.js';
import { WebhookMonitorWorker } from './webhooks/webhook-monitor.worker.js';
import { PlanRolloutWorker } from './plans/plan-rollout.worker.js';
import { PlanStore } from './plans/plan.store.js';
import { PlansService } from './plans/plans.service.js';
import type { Processor } from './processors/processor.js';
import { PROCESSORS, ProcessorRegistryService } from './processors/processor-registry.service.js';
import { ReconciliationService } from './subscriptions/reconciliation.service.js';
import { ReconciliationStore } from './subscriptions/reconciliation.store.js';
import { ReconciliationWorker } from './subscriptions/reconciliation.worker.js';
import { ScheduledEndWorker } from './scheduled-end.worker.js';
import { StandardProcessor } from './processors/standard/standard.processor.js';
import { StripeProcessor } from './processors/stripe/stripe.processor.js';
import { SubscriptionStore } from './subscriptions/subscription.store.js';
import { WebhookApplicationService } from './webhooks/webhook-application.service.js';
import { WebhookRetryWorker } from './webhooks/webhook-retry.worker.js';
import { WebhookStore } from './webhooks/webhook.store.js';
import { WebhooksService } from './webhooks/webhooks.service.js';

/** Every processor that this build knows; one without settings answers `not_configured`. */
const KNOWN = [StripeProcessor, StandardProcessor, AppleProcessor, GoogleProcessor];

@Module({
  imports: [MailboxModule],
  controllers: [WebhooksController, PlansController, ChangesController],
  providers: [
    ...KNOWN,
    { provide: PROCESSORS, useFactory: (...processors: Processor[]) => processors, inject: KNOWN },
    ProcessorRegistryService,
    MembershipService,
    MembershipStore,
    SubscriptionStore,
    LookupService,
    WebhooksService,
    WebhookApplicationService,
    WebhookStore,
    WebhookRetryWorker,
    ReconciliationService,
    ReconciliationStore,
    ReconciliationWorker,
    WebhookMonitorWorker,
    ScheduledEndWorker,
    PlanRolloutWorker,
    PlansService,
    PlanStore,
    ChangesService,
    ChangeExecutionService,
    ChangeStore,
    ChangeRetryWorker,
  ],
  exports: [MembershipService, SubscriptionStore],
})
export class MembershipModule {}
