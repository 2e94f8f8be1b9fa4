import { Global, Module } from '@nestjs/common';
import { MembershipModule } from '../membership/membership.module.js';
import { STAND_IN_PROVIDER } from '../push/providers/provider-registry.service.js';
import { DemoSessionService } from './demo-session.service.js';
import { DemoController } from './demo.controller.js';
import { LockScreenController } from './lock-screen/lock-screen.controller.js';
import { LockScreenService } from './lock-screen/lock-screen.service.js';
import { OwnApiClient } from './own-api.client.js';
import { PageController } from './page.controller.js';
import { FakeStripeService } from './stripe/fake-stripe.service.js';
import { StripeWebhookSender } from './stripe/stripe-webhook.sender.js';
import { NightlyJobService } from './nightly-job.service.js';

/**
 * The page at `/` and what stands in for the world around Usher there: sign-in, payment processor, nightly job. Each of
 * them comes in by the same doors as the real ones. Only with NODE_ENV=development (main.ts): it gives anybody a
 * token, and signs what it is asked to.
 */
@Global()
@Module({
  imports: [MembershipModule],
  controllers: [PageController, DemoController, LockScreenController],
  providers: [
    DemoSessionService,
    LockScreenService,
    OwnApiClient,
    FakeStripeService,
    StripeWebhookSender,
    NightlyJobService,
    { provide: STAND_IN_PROVIDER, useExisting: LockScreenService },
  ],
  exports: [STAND_IN_PROVIDER],
})
export class DemoModule {}
