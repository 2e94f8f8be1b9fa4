import { Body, Controller, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { userId as userIdSchema } from '../../platform/auth/ids.schema.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Idempotent } from '../../platform/http/idempotency/idempotency.interceptor.js';
import {
  describedPlan,
  type LinkBody,
  linkBody,
  linkResponse,
  type PlanBody,
  planBody,
  planId as planIdSchema,
  planList,
  planPreview,
  planResponse,
  type PlansQuery,
  plansQuery,
} from './plans.schema.js';
import { PlansService } from './plans.service.js';
import { Operation } from '../../platform/http/docs/operation.js';

/** What the back office maintains: the plan catalogue, and which customer of a processor is which user. */
@ApiTags('back offices')
@Controller('v1')
@NeedsScope('operate')
export class PlansController {
  constructor(private readonly plans: PlansService) {}

  /** Lists the plans by their ids. */
  @Get('plans')
  @Operation({ id: 'listPlans', summary: 'List the plans by their ids' })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: planList })
  list(@Query({ schema: plansQuery }) query: PlansQuery) {
    return this.plans.list(query);
  }

  /** A plan, and how many members it has. */
  @Get('plans/:planId')
  @Operation({ id: 'getPlan', summary: 'Read a plan, and how many members it has', problems: ['not_found'] })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: describedPlan })
  get(@Param('planId', { schema: planIdSchema }) planId: string) {
    return this.plans.describe(planId);
  }

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
  @Audited()
  @ApiResponse({ status: 200, standardSchema: planResponse })
  async put(
    @Param('planId', { schema: planIdSchema }) planId: string,
    @Body({ schema: planBody }) body: PlanBody,
    @CurrentAuditContext() by: AuditContext,
  ) {
    await this.plans.put(planId, body, by);
    return { planId, ...body };
  }

  /** What `PUT` of the same body would change, and for whom; nothing is changed. */
  @Post('plans/:planId/preview')
  @Operation({
    id: 'previewPlan',
    summary: 'Read what a change of a plan would do',
    description: 'Changes nothing: which fields would differ, and how many members would get a new version.',
  })
  @NeedsScope('read')
  @HttpCode(200)
  @ApiResponse({ status: 200, standardSchema: planPreview })
  preview(
    @Param('planId', { schema: planIdSchema }) planId: string,
    @Body({ schema: planBody }) body: PlanBody,
  ) {
    return this.plans.preview(planId, body);
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
  @Audited()
  async link(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Param('processor') processor: string,
    @Body({ schema: linkBody }) body: LinkBody,
    @CurrentAuditContext() by: AuditContext,
  ) {
    const customerId = await this.plans.link(userId, processor, body.customerId, by);
    return { userId, processor, customerId };
  }
}
