import { Body, Controller, HttpCode, Post, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { acceptance } from '../mailbox/event.js';
import {
  publishAnswer,
  publishBody,
  type PublishBody,
  publishQuery,
  type PublishQuery,
} from '../mailbox/events.schema.js';
import { Publishing } from '../mailbox/publish.service.js';
import { NeedsScope } from '../platform/auth/service-key.guard.js';
import type { KeyedCall } from '../platform/http/idempotency.js';
import { Idempotent, Keyed } from '../platform/http/idempotency.interceptor.js';
import { Outcomes } from './outcomes.service.js';

@ApiTags('back offices')
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly publishing: Publishing,
    private readonly outcomes: Outcomes,
  ) {}

  /** Publishes events to devices of users; with `wait=received` it answers what became of them on each device. */
  @Post()
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
    @Keyed() call: KeyedCall | undefined,
  ) {
    if (wait === undefined)
      return acceptance(await this.publishing.publish(events, { awaited: false, call }));
    this.outcomes.checkCount(events.length);
    const envelopes = await this.publishing.publish(events, { awaited: true, call });
    const published = envelopes.map((envelope, n) => ({ ...envelope, userId: events[n]?.userId ?? '' }));
    const devices = await this.outcomes.of(published);
    const { accepted } = acceptance(envelopes);
    return { accepted: accepted.map(({ id, offset }, n) => ({ id, offset, devices: devices[n] })) };
  }
}
