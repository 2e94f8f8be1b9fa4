import { type DynamicModule, Global, Module } from '@nestjs/common';
import { STAND_IN_CLOCK } from '../digests/clock.service.js';
import { MembershipModule } from '../membership/membership.module.js';
import { STAND_IN_PROVIDER } from '../push/providers/push-providers.service.js';
import { BackOfficeService } from './back-office.service.js';
import { ClockController } from './clock/clock.controller.js';
import { DemoClockService } from './clock/demo-clock.service.js';
import { EveningService } from './clock/evening.service.js';
import { DemoSessionService } from './demo-session.service.js';
import { DemoController } from './demo.controller.js';
import { EdgeController } from './edge/edge.controller.js';
import { PretendEdgeService } from './edge/pretend-edge.service.js';
import { FAR_ENDS, type FarEnds } from './far-ends/far-ends.js';
import { TwilioReportsSender } from './far-ends/twilio-reports.sender.js';
import { DemoContactsService } from './inbox/demo-contacts.service.js';
import { InboxController } from './inbox/inbox.controller.js';
import { InboxService } from './inbox/inbox.service.js';
import { LockScreenController } from './lock-screen/lock-screen.controller.js';
import { LockScreenService } from './lock-screen/lock-screen.service.js';
import { OwnApiClient } from './own-api.client.js';
import { PageController } from './page.controller.js';
import { FakeStripeService } from './stripe/fake-stripe.service.js';
import { StripeWebhookSender } from './stripe/stripe-webhook.sender.js';
import { NightlyJobService } from './nightly-job.service.js';

/**
 * The page at `/` and its stand-ins for the systems around Usher: sign-in, payment processor, nightly job, back office,
 * edge node, push provider, mail server, provider of texts, and the clock on the wall. They call the same endpoints as the real ones.
 * Loaded only with NODE_ENV=development (boot.ts), since it gives anybody a token and signs webhooks for anybody.
 */
@Global()
@Module({
  imports: [MembershipModule],
  controllers: [
    PageController,
    DemoController,
    ClockController,
    InboxController,
    LockScreenController,
    EdgeController,
  ],
  providers: [
    DemoClockService,
    DemoContactsService,
    DemoSessionService,
    EveningService,
    InboxService,
    TwilioReportsSender,
    LockScreenService,
    OwnApiClient,
    FakeStripeService,
    StripeWebhookSender,
    NightlyJobService,
    BackOfficeService,
    PretendEdgeService,
    { provide: STAND_IN_CLOCK, useExisting: DemoClockService },
    { provide: STAND_IN_PROVIDER, useExisting: LockScreenService },
  ],
  exports: [STAND_IN_CLOCK, STAND_IN_PROVIDER],
})
export class DemoModule {
  /** Returns the module with the far ends of texts and mails, which it closes at shutdown. */
  static with(farEnds: FarEnds): DynamicModule {
    return { module: DemoModule, providers: [{ provide: FAR_ENDS, useValue: farEnds }] };
  }
}
