import { Body, Controller, Param, Put } from '@nestjs/common';
import { ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { userId as userIdSchema } from '../../platform/auth/ids.schema.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Idempotent } from '../../platform/http/idempotency/idempotency.interceptor.js';
import {
  type LinkBody,
  linkBody,
  linkResponse,
  type PlanBody,
  planBody,
  planId as planIdSchema,
  planResponse,
} from './plans.schema.js';
import { PlansService } from './plans.service.js';
import { Operation } from '../../platform/http/docs/operation.js';

/** What the back office maintains: the plan catalogue, and which customer of a processor is which user. */
@ApiTags('back offices')
@Controller('v1')
@NeedsScope('operate')
export class PlansController {
  constructor(private readonly plans: PlansService) {}

  /** Creates or replaces a plan. */
  @Put('plans/:planId')
  @Operation({
    id: 'putPlan',
    summary: 'Create or replace a plan',
    description:
      'Changed capabilities reach all users of the plan, each with a new version of the membership.',
    problems: ['price_taken'],
  })
  @Idempotent()
  @ApiResponse({ status: 200, standardSchema: planResponse })
  async put(
    @Param('planId', { schema: planIdSchema }) planId: string,
    @Body({ schema: planBody }) body: PlanBody,
  ) {
    await this.plans.put(planId, body);
    return { planId, ...body };
  }

  /** Links a customer of a processor to a user, so that the customer's webhooks change this user's membership. */
  @Put('users/:userId/links/:processor')
  @Operation({
    id: 'linkCustomer',
    summary: 'Say to which user a customer of a processor belongs',
    description: 'Webhooks that waited for it are applied.',
    problems: ['not_found'],
  })
  @ApiParam({ name: 'processor', description: 'A payment processor', example: 'stripe' })
  @ApiResponse({ status: 200, standardSchema: linkResponse })
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
