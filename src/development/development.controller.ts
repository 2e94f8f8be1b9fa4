import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { DemoSession } from './demo-session.service.js';
import { type OfficeBody, officeBody, type SessionBody, sessionBody } from './development.schema.js';
import { PretendStripe } from './stripe/pretend-stripe.service.js';
import { Tonight } from './tonight.service.js';

/** What the page asks for. Every call needs a JSON body, which no page of another origin can send here unasked. */
@ApiExcludeController()
@Controller('dev')
export class DevelopmentController {
  constructor(
    private readonly sessions: DemoSession,
    private readonly stripe: PretendStripe,
    private readonly nightly: Tonight,
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
  async office(@Body({ schema: officeBody }) { userId, act }: OfficeBody) {
    return { webhooks: await this.stripe.act(userId, act) };
  }

  /** Runs tonight's job, for this user among others. */
  @Post('tonight')
  @HttpCode(200)
  tonight(@Body({ schema: sessionBody }) { userId }: SessionBody) {
    return this.nightly.run(userId);
  }
}
