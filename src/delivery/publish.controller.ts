import { Body, Controller, HttpCode, Post, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { toAccepted } from '../mailbox/events/event.js';
import {
  publishAnswer,
  publishBody,
  type PublishBody,
  publishQuery,
  type PublishQuery,
} from '../mailbox/events/publish.schema.js';
import { PublishService } from '../mailbox/events/publish.service.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import type { IdempotentCall } from '../platform/http/idempotency/idempotency.js';
import { Idempotent, CurrentIdempotentCall } from '../platform/http/idempotency/idempotency.interceptor.js';
import { DeliveryOutcomeService } from './receipts/delivery-outcome.service.js';
import { Operation } from '../platform/http/docs/operation.js';

/** Publishing for back offices. */
@ApiTags('back offices')
@Controller('v1/events')
export class PublishController {
  constructor(
    private readonly publishing: PublishService,
    private readonly outcomes: DeliveryOutcomeService,
  ) {}

  /** Publishes events to devices of users; with `wait=received` the answer has the outcome on each device. */
  @Post()
  @Operation({
    id: 'publishEvents',
    summary: 'Publish events to devices of users',
    description:
      'Up to 1,000, all accepted or none. Accepted means committed, or being sent for routine events. An error names the event by `index`.',
    problems: ['unknown_device', 'reserved_type', 'reserved_key', 'template_data_invalid'],
  })
  @HttpCode(202)
  @NeedsScope('publish')
  @Idempotent()
  @ApiResponse({
    status: 202,
    description: 'Committed; the devices are being told.',
    standardSchema: publishAnswer,
  })
  async publish(
    @Body({ schema: publishBody }) { events }: PublishBody,
    @Query({ schema: publishQuery }) { wait }: PublishQuery,
    @CurrentIdempotentCall() call: IdempotentCall | undefined,
  ) {
    if (wait === undefined)
      return toAccepted(await this.publishing.publish(events, { reportSent: false, call }));
    this.outcomes.checkEventCount(events.length);
    if (call) call.isExtended = true;
    const envelopes = await this.publishing.publish(events, { reportSent: true, call });
    const published = envelopes.map((envelope, n) => ({ ...envelope, userId: events[n]?.userId ?? '' }));
    const devices = await this.outcomes.waitFor(published);
    const { accepted } = toAccepted(envelopes);
    return { accepted: accepted.map(({ id, offset }, n) => ({ id, offset, devices: devices[n] })) };
  }
}
