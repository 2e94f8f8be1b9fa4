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
  webhookReceived,
  type WebhooksQuery,
  webhooksQuery,
} from './webhooks.schema.js';
import { WebhooksService } from './webhooks.service.js';
import { Operation } from '../../platform/http/docs/operation.js';

/** Where payment processors send their webhooks, and where operators see what became of them. */
@ApiTags('processors')
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  /** Receives a webhook of a payment processor. 2xx means that it is stored and need not be sent again. */
  @Post(':processor')
  @Operation({
    id: 'receiveWebhook',
    summary: 'Receive a webhook of a payment processor',
    description:
      'As the processor sends and signs it. 200 means that it is stored and need not be sent again.',
    problems: [
      'signature_invalid',
      'signature_stale',
      'malformed_json',
      'too_deep',
      'payload_too_large',
      'not_found',
      'not_configured',
    ],
  })
  @ApiResponse({ status: 200, standardSchema: webhookReceived })
  @HttpCode(200)
  @ApiParam({
    name: 'processor',
    description: 'Which payment processor sends it',
    schema: { type: 'string', enum: Object.keys(PROCESSORS), example: 'standard' },
  })
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
  @Operation({
    id: 'listWebhooks',
    summary: 'List webhooks by what became of them',
    description: 'The newest first; by default those that wait for a plan, a link or a subscription.',
  })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: webhookList })
  list(@Query({ schema: webhooksQuery }) query: WebhooksQuery) {
    return this.webhooks.list(query);
  }

  /** What became of one webhook, what it waits for, and its body without what is about a person. */
  @Get(':processor/:eventId')
  @Operation({
    id: 'getWebhook',
    summary: 'Read what became of one webhook, and what it waits for',
    problems: ['not_found'],
  })
  @ApiParam({ name: 'processor', description: 'A payment processor', example: 'standard' })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: describedWebhook })
  get(@Param('processor') processor: string, @Param('eventId', { schema: webhookEventId }) eventId: string) {
    return this.webhooks.describe({ processor, eventId });
  }

  /** Applies a webhook that waits, failed or was ignored, now. Returns what became of it. */
  @Post(':processor/:eventId/retry')
  @Operation({
    id: 'retryWebhook',
    summary: 'Apply a webhook that waits, failed or was ignored',
    problems: ['not_found', 'conflict'],
  })
  @ApiParam({ name: 'processor', description: 'A payment processor', example: 'standard' })
  @NeedsScope('operate')
  @HttpCode(200)
  @Audited()
  @ApiResponse({ status: 200, standardSchema: describedWebhook })
  retry(
    @Param('processor') processor: string,
    @Param('eventId', { schema: webhookEventId }) eventId: string,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.webhooks.retry({ processor, eventId }, by);
  }
}
