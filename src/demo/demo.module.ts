import { Global, Module } from '@nestjs/common';
import { MembershipModule } from '../membership/membership.module.js';
import { STAND_IN_PROVIDER } from '../push/providers/push-providers.service.js';
import { BackOfficeService } from './back-office.service.js';
import { DemoSessionService } from './demo-session.service.js';
import { DemoController } from './demo.controller.js';
import { EdgeController } from './edge/edge.controller.js';
import { PretendEdgeService } from './edge/pretend-edge.service.js';
import { LockScreenController } from './lock-screen/lock-screen.controller.js';
import { LockScreenService } from './lock-screen/lock-screen.service.js';
import { OwnApiClient } from './own-api.client.js';
import { PageController } from './page.controller.js';
import { FakeStripeService } from './stripe/fake-stripe.service.js';
import { StripeWebhookSender } from './stripe/stripe-webhook.sender.js';
import { NightlyJobService } from './nightly-job.service.js';

/**
 * The page at `/` and its stand-ins for the systems around Usher: sign-in, payment processor, nightly job, back office,
 * edge node and push provider. They call the same endpoints as the real ones. Loaded only with NODE_ENV=development (main.ts), since it
 * gives anybody a token and signs webhooks for anybody.
 */
@Global()
@Module({
  imports: [MembershipModule],
  controllers: [PageController, DemoController, LockScreenController, EdgeController],
  providers: [
    DemoSessionService,
    LockScreenService,
    OwnApiClient,
    FakeStripeService,
    StripeWebhookSender,
    NightlyJobService,
    BackOfficeService,
    PretendEdgeService,
    { provide: STAND_IN_PROVIDER, useExisting: LockScreenService },
  ],
  exports: [STAND_IN_PROVIDER],
})
export class DemoModule {}
