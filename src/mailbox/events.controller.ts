import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../platform/auth/service-key.guard.js';
import type { KeyedCall } from '../platform/http/idempotency.js';
import { Idempotent, Keyed } from '../platform/http/idempotency.interceptor.js';
import { acceptance } from './event.js';
import { publishAnswer, publishBody, type PublishBody } from './events.schema.js';
import { Publishing } from './publish.service.js';

@ApiTags('back offices')
@Controller('v1/events')
export class EventsController {
  constructor(private readonly publishing: Publishing) {}

  /** Publishes events to devices of users. */
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
    @Keyed() call: KeyedCall | undefined,
  ) {
    return acceptance(await this.publishing.publish(events, call));
  }
}
