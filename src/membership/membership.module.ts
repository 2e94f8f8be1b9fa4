import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { AppleProcessor } from './apple/apple.processor.js';
import { ChangeExecution } from './change-execution.service.js';
import { ChangeRetry } from './change-retry.worker.js';
import { ChangeStore } from './change.store.js';
import { ChangesController } from './changes.controller.js';
import { Changes } from './changes.service.js';
import { GoogleProcessor } from './google/google.processor.js';
import { Lookups } from './lookup.service.js';
import { PlansController, WebhooksController } from './membership.controller.js';
import { Memberships } from './membership.service.js';
import { MembershipStore } from './membership.store.js';
import { Oversight } from './oversight.worker.js';
import { PlanRollout } from './plan-rollout.worker.js';
import { PlanStore } from './plan.store.js';
import { Plans } from './plans.service.js';
import type { Processor } from './processor.js';
import { PROCESSORS, Processors } from './processors.service.js';
import { Reconciliation } from './reconciliation/reconciliation.service.js';
import { ReconciliationStore } from './reconciliation/reconciliation.store.js';
import { ReconciliationWalk } from './reconciliation/reconciliation.worker.js';
import { ScheduledEnds } from './scheduled.worker.js';
import { StandardProcessor } from './standard/standard.processor.js';
import { StripeProcessor } from './stripe/stripe.processor.js';
import { SubscriptionStore } from './subscription.store.js';
import { WebhookApplication } from './webhook-application.service.js';
import { WebhookRetry } from './webhook-retry.worker.js';
import { WebhookStore } from './webhook.store.js';
import { Webhooks } from './webhooks.service.js';

/** Every processor that this build knows; one without settings answers `not_configured`. */
const KNOWN = [StripeProcessor, StandardProcessor, AppleProcessor, GoogleProcessor];

@Module({
  imports: [MailboxModule],
  controllers: [WebhooksController, PlansController, ChangesController],
  providers: [
    ...KNOWN,
    { provide: PROCESSORS, useFactory: (...processors: Processor[]) => processors, inject: KNOWN },
    Processors,
    Memberships,
    MembershipStore,
    SubscriptionStore,
    Lookups,
    Webhooks,
    WebhookApplication,
    WebhookStore,
    WebhookRetry,
    Reconciliation,
    ReconciliationStore,
    ReconciliationWalk,
    Oversight,
    ScheduledEnds,
    PlanRollout,
    Plans,
    PlanStore,
    Changes,
    ChangeExecution,
    ChangeStore,
    ChangeRetry,
  ],
  exports: [Memberships],
})
export class MembershipModule {}
