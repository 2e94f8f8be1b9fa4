import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { PROCESSORS } from '../processors/registry.js';
import { subscriptionUpdatedDocument } from '../processors/standard/standard.schema.js';
import {
  describedWebhook,
  webhookEventId,
  webhookList,
  type WebhooksQuery,
  webhooksQuery,
} from './webhooks.schema.js';
import { WebhooksService } from './webhooks.service.js';

/** Where payment processors send their webhooks, and where operators see what became of them. */
@ApiTags('processors')
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  /** Receives a webhook of a payment processor. 2xx means that it is stored and need not be sent again. */
  @Post(':processor')
  @HttpCode(200)
  @ApiParam({ name: 'processor', enum: Object.keys(PROCESSORS) })
  @ApiBody({
    description:
      'As the processor sends and signs it. This is what `standard` understands, for in-house billing',
    schema: subscriptionUpdatedDocument(),
  })
  async receive(@Param('processor') processor: string, @Req() request: Request) {
    const body: unknown = request.body;
    const { duplicate } = await this.webhooks.receive(
      processor,
      Buffer.isBuffer(body) ? body : Buffer.alloc(0),
      request.headers,
    );
    return { received: true, duplicate };
  }

  /** Lists webhooks by what became of them, the newest first; by default those that wait for a plan or a customer link. */
  @Get()
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: webhookList })
  list(@Query({ schema: webhooksQuery }) query: WebhooksQuery) {
    return this.webhooks.list(query);
  }

  /** What became of one webhook, what it waits for, and its body without what is about a person. */
  @Get(':processor/:eventId')
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: describedWebhook })
  get(@Param('processor') processor: string, @Param('eventId', { schema: webhookEventId }) eventId: string) {
    return this.webhooks.describe({ processor, eventId });
  }

  /** Applies a webhook that was not applied so far, now. Returns what became of it. */
  @Post(':processor/:eventId/retry')
  @NeedsScope('operate')
  @Audited()
  @HttpCode(200)
  @ApiResponse({ status: 200, standardSchema: describedWebhook })
  retry(
    @Param('processor') processor: string,
    @Param('eventId', { schema: webhookEventId }) eventId: string,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.webhooks.retry({ processor, eventId }, by);
  }
}
