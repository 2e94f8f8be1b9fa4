import { Module } from '@nestjs/common';
import { DemoSessionService } from './demo-session.service.js';
import { DemoController } from './demo.controller.js';
import { LockScreenController } from './lock-screen/lock-screen.controller.js';
import { LockScreenService } from './lock-screen/lock-screen.service.js';
import { OwnApiClient } from './own-api.client.js';
import { PageController } from './page.controller.js';
import { FakeStripeService } from './stripe/fake-stripe.service.js';
import { FakeStripeStore } from './stripe/fake-stripe.store.js';
import { StripeWebhookSender } from './stripe/stripe-webhook.sender.js';
import { NightlyJobService } from './nightly-job.service.js';

/**
 * The page at `/` and what stands in for the world around Usher there: sign-in, payment processor, nightly job. Each of
 * them comes in by the same doors as the real ones. Only with NODE_ENV=development (app.module.ts): it gives anybody a
 * token, and signs what it is asked to.
 */
@Module({
  controllers: [PageController, DemoController, LockScreenController],
  providers: [
    DemoSessionService,
    LockScreenService,
    OwnApiClient,
    FakeStripeService,
    FakeStripeStore,
    StripeWebhookSender,
    NightlyJobService,
  ],
})
export class DemoModule {}
