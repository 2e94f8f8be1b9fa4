import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiParam, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { PROCESSORS } from '../processors/registry.js';
import { subscriptionUpdatedDocument } from '../processors/standard/standard.schema.js';
import { WebhookStore } from './webhook.store.js';
import { type WebhooksQuery, webhooksQuery } from './webhooks.schema.js';
import { WebhooksService } from './webhooks.service.js';

/** Where payment processors send their webhooks, and where operators see what became of them. */
@ApiTags('processors')
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(
    private readonly webhooks: WebhooksService,
    private readonly store: WebhookStore,
  ) {}

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
  async list(@Query({ schema: webhooksQuery }) { status, limit }: WebhooksQuery) {
    return { webhooks: await this.store.listNewest(status, limit) };
  }
}
