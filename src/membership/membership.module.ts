import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { PlansController, WebhooksController } from './membership.controller.js';
import { Memberships } from './membership.service.js';
import { MembershipStore } from './membership.store.js';
import { PlanStore } from './plan.store.js';
import { Plans } from './plans.service.js';
import { StripeProcessor } from './stripe/stripe.processor.js';
import { WebhookRetry } from './webhook-retry.worker.js';
import { WebhookStore } from './webhook.store.js';
import { Webhooks } from './webhooks.service.js';

@Module({
  imports: [MailboxModule],
  controllers: [WebhooksController, PlansController],
  providers: [
    Memberships,
    MembershipStore,
    Plans,
    PlanStore,
    StripeProcessor,
    WebhookRetry,
    Webhooks,
    WebhookStore,
  ],
  exports: [Memberships],
})
export class MembershipModule {}
