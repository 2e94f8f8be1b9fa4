import { Module } from '@nestjs/common';
import { DemoSession } from './demo-session.service.js';
import { DevelopmentController } from './development.controller.js';
import { LockScreenController } from './lock-screen/lock-screen.controller.js';
import { LockScreen } from './lock-screen/lock-screen.service.js';
import { OwnDoor } from './own-door.sender.js';
import { PageController } from './page.controller.js';
import { PretendStripe } from './stripe/pretend-stripe.service.js';
import { PretendStripeStore } from './stripe/pretend-stripe.store.js';
import { StripeWebhookSender } from './stripe/stripe-webhook.sender.js';
import { Tonight } from './tonight.service.js';

/**
 * The page at `/` and what stands in for the world around Usher there: sign-in, payment processor, nightly job. Each of
 * them comes in by the same doors as the real ones. Only with NODE_ENV=development (app.module.ts): it gives anybody a
 * token, and signs what it is asked to.
 */
@Module({
  controllers: [PageController, DevelopmentController, LockScreenController],
  providers: [
    DemoSession,
    LockScreen,
    OwnDoor,
    PretendStripe,
    PretendStripeStore,
    StripeWebhookSender,
    Tonight,
  ],
})
export class DevelopmentModule {}
