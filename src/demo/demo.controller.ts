import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { DemoSessionService } from './demo-session.service.js';
import { BackOfficeService } from './back-office.service.js';
import {
  type BillingBody,
  billingBody,
  type EventBody,
  eventBody,
  type SessionBody,
  sessionBody,
  type SignInBody,
  signInBody,
} from './demo.schema.js';
import { FakeStripeService } from './stripe/fake-stripe.service.js';
import { NightlyJobService } from './nightly-job.service.js';
import { KnownHostGuard } from './known-host.guard.js';

/**
 * The calls of the demo page. Each needs a JSON body, which a page from another machine cannot send here: its CORS preflight is
 * refused.
 */
@ApiExcludeController()
@Controller('dev')
@UseGuards(KnownHostGuard)
export class DemoController {
  constructor(
    private readonly sessions: DemoSessionService,
    private readonly stripe: FakeStripeService,
    private readonly nightlyJob: NightlyJobService,
    private readonly backOffice: BackOfficeService,
  ) {}

  /** Returns a user token and the demo's plans. */
  @Post('session')
  @HttpCode(200)
  session(@Body({ schema: signInBody }) { userId, timezone }: SignInBody) {
    return this.sessions.open(userId, timezone);
  }

  /** Has the payment processor do something; returns the webhooks that it sent. */
  @Post('office')
  @HttpCode(200)
  async office(@Body({ schema: billingBody }) { userId, act }: BillingBody) {
    return { webhooks: await this.stripe.act(userId, act) };
  }

  /** Sends tonight's recommendations, with this user among others; returns the tally. */
  @Post('tonight')
  @HttpCode(200)
  tonight(@Body({ schema: sessionBody }) { userId }: SessionBody) {
    return this.nightlyJob.run(userId);
  }

  /** Publishes an event of the service's own to the user; returns the request. */
  @Post('publish')
  @HttpCode(200)
  async publish(@Body({ schema: sessionBody }) { userId }: SessionBody) {
    return { sent: await this.backOffice.publish(userId) };
  }

  /** Stops all streams of the user; returns the request. */
  @Post('stop-streams')
  @HttpCode(200)
  async stopStreams(@Body({ schema: sessionBody }) { userId }: SessionBody) {
    return { sent: await this.backOffice.stopStreams(userId) };
  }

  /** Returns what became of an event on each device of the user. */
  @Post('event')
  @HttpCode(200)
  readEvent(@Body({ schema: eventBody }) { userId, eventId }: EventBody) {
    return this.backOffice.readEvent(userId, eventId);
  }

  /** Returns the newest steps of the user's timeline. */
  @Post('timeline')
  @HttpCode(200)
  readTimeline(@Body({ schema: sessionBody }) { userId }: SessionBody) {
    return this.backOffice.readTimeline(userId);
  }
}
