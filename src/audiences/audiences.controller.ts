import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../platform/audit/audited.decorator.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../platform/http/docs/operation.js';
import { Idempotent } from '../platform/http/idempotency/idempotency.interceptor.js';
import {
  type AudienceBody,
  audienceBody,
  audienceEstimate,
  audienceList,
  audienceName,
  audienceResponse,
  type AudiencesQuery,
  audiencesQuery,
} from './audience.schema.js';
import { AudiencesService } from './audiences.service.js';

/** Whom campaigns are for. */
@ApiTags('back offices')
@Controller('v1/audiences')
@NeedsScope('operate')
export class AudiencesController {
  constructor(private readonly audiences: AudiencesService) {}

  /** Lists the audiences by their names. */
  @Get()
  @Operation({ id: 'listAudiences', summary: 'List the audiences by their names' })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: audienceList })
  list(@Query({ schema: audiencesQuery }) query: AudiencesQuery) {
    return this.audiences.list(query);
  }

  /** An audience. */
  @Get(':name')
  @Operation({ id: 'getAudience', summary: 'Read an audience', problems: ['not_found'] })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: audienceResponse })
  get(@Param('name', { schema: audienceName }) name: string) {
    return this.audiences.get(name);
  }

  /** Creates or replaces an audience. */
  @Put(':name')
  @Operation({
    id: 'putAudience',
    summary: 'Create or replace an audience',
    description:
      'With a rule, its members are found when they are needed. Without one it is a list, whose members are uploaded. Campaigns that have begun keep the rule that they began with.',
    problems: ['conflict'],
  })
  @Idempotent()
  @Audited()
  @ApiResponse({ status: 200, standardSchema: audienceResponse })
  put(
    @Param('name', { schema: audienceName }) name: string,
    @Body({ schema: audienceBody }) { rule }: AudienceBody,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.audiences.put(name, rule, by);
  }

  /** Ends an audience. */
  @Delete(':name')
  @Operation({
    id: 'deleteAudience',
    summary: 'Remove an audience',
    description: 'Its members are removed soon after. A campaign that is to begin with it does not begin.',
    problems: ['not_found'],
  })
  @HttpCode(204)
  @Audited()
  async remove(
    @Param('name', { schema: audienceName }) name: string,
    @CurrentAuditContext() by: AuditContext,
  ): Promise<void> {
    await this.audiences.remove(name, by);
  }

  /** How large it is. Nothing is changed. */
  @Post(':name/estimate')
  @Operation({
    id: 'estimateAudience',
    summary: 'Estimate how many members an audience has',
    description:
      'Of a rule by a sample, in less than a second, however many users there are. A list is counted.',
    problems: ['not_found'],
  })
  @HttpCode(200)
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: audienceEstimate })
  estimate(@Param('name', { schema: audienceName }) name: string) {
    return this.audiences.estimate(name);
  }
}
