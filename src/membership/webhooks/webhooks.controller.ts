import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Req } from '@nestjs/common';
import { ApiBody, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { userId as userIdSchema } from '../../platform/auth/ids.schema.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Idempotent } from '../../platform/http/idempotency/idempotency.interceptor.js';
import {
  type LinkBody,
  linkBody,
  planAnswer,
  type PlanBody,
  planBody,
  planId as planIdSchema,
  type WebhooksQuery,
  webhooksQuery,
} from '../plans/plans.schema.js';
import { PlansService } from '../plans/plans.service.js';
import { subscriptionUpdatedDocument } from '../processors/standard/standard.schema.js';
import { WebhookStore } from './webhook.store.js';
import { WebhooksService } from './webhooks.service.js';

@ApiTags('processors')
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(
    private readonly webhooks: WebhooksService,
    private readonly store: WebhookStore,
  ) {}

  /** A payment processor's word. 2xx means: stored. */
  @Post(':processor')
  @HttpCode(200)
  @ApiParam({ name: 'processor', enum: ['stripe', 'standard', 'apple', 'google'] })
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

  /** What became of webhooks; by default those that wait for a plan or a link. */
  @Get()
  @NeedsScope('admin')
  async list(@Query({ schema: webhooksQuery }) { status, limit }: WebhooksQuery) {
    return { webhooks: await this.store.list(status, limit) };
  }
}

@ApiTags('back offices')
@Controller('v1')
@NeedsScope('admin')
export class PlansController {
  constructor(private readonly plans: PlansService) {}

  /** Makes a plan, or makes it anew. */
  @Put('plans/:planId')
  @Idempotent()
  @ApiResponse({ status: 200, standardSchema: planAnswer })
  async put(
    @Param('planId', { schema: planIdSchema }) planId: string,
    @Body({ schema: planBody }) body: PlanBody,
  ) {
    await this.plans.put(planId, body);
    return { planId, ...body };
  }

  /** Whose webhooks these are. */
  @Put('users/:userId/links/:processor')
  @Idempotent()
  async link(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Param('processor') processor: string,
    @Body({ schema: linkBody }) { customerId }: LinkBody,
  ) {
    await this.plans.link(userId, processor, customerId);
    return { userId, processor, customerId };
  }
}
