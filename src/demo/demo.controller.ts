import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { DemoSessionService } from './demo-session.service.js';
import { type BillingBody, billingBody, type SessionBody, sessionBody } from './demo.schema.js';
import { FakeStripeService } from './stripe/fake-stripe.service.js';
import { NightlyJobService } from './nightly-job.service.js';

/** What the page asks for. Every call needs a JSON body, which no page of another origin can send here unasked. */
@ApiExcludeController()
@Controller('dev')
export class DemoController {
  constructor(
    private readonly sessions: DemoSessionService,
    private readonly stripe: FakeStripeService,
    private readonly nightly: NightlyJobService,
  ) {}

  /** A user token, and the plans that the page knows. */
  @Post('session')
  @HttpCode(200)
  session(@Body({ schema: sessionBody }) { userId }: SessionBody) {
    return this.sessions.open(userId);
  }

  /** Has the payment processor act; answers the webhooks that it sent. */
  @Post('office')
  @HttpCode(200)
  async office(@Body({ schema: billingBody }) { userId, act }: BillingBody) {
    return { webhooks: await this.stripe.act(userId, act) };
  }

  /** Runs tonight's job, for this user among others. */
  @Post('tonight')
  @HttpCode(200)
  tonight(@Body({ schema: sessionBody }) { userId }: SessionBody) {
    return this.nightly.run(userId);
  }
}
