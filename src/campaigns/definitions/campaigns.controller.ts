import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { userId as userIdSchema } from '../../platform/auth/ids.schema.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { Idempotent } from '../../platform/http/idempotency/idempotency.interceptor.js';
import { CampaignMembersService } from '../members/campaign-members.service.js';
import { CampaignChecksService } from './campaign-checks.service.js';
import {
  type CampaignBody,
  campaignBody,
  campaignList,
  campaignMember,
  campaignName,
  campaignResponse,
  type CampaignsQuery,
  campaignsQuery,
  describedCampaign,
} from './campaign.schema.js';
import { CampaignsService } from './campaigns.service.js';

/** What is told to many people at once. */
@ApiTags('back offices')
@Controller('v1/campaigns')
@NeedsScope('operate')
export class CampaignsController {
  constructor(
    private readonly campaigns: CampaignsService,
    private readonly checks: CampaignChecksService,
    private readonly members: CampaignMembersService,
  ) {}

  /** Lists the campaigns, the newest first. */
  @Get()
  @Operation({ id: 'listCampaigns', summary: 'List the campaigns, the newest first' })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: campaignList })
  list(@Query({ schema: campaignsQuery }) query: CampaignsQuery) {
    return this.campaigns.list(query);
  }

  /** A campaign, and how far it is. */
  @Get(':name')
  @Operation({ id: 'getCampaign', summary: 'Read a campaign and how far it is', problems: ['not_found'] })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: describedCampaign })
  get(@Param('name', { schema: campaignName }) name: string) {
    return this.campaigns.describe(name);
  }

  /** What became of one person. */
  @Get(':name/members/:userId')
  @Operation({
    id: 'getCampaignMember',
    summary: 'Read what became of one member of a campaign',
    problems: ['not_found'],
  })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: campaignMember })
  member(
    @Param('name', { schema: campaignName }) name: string,
    @Param('userId', { schema: userIdSchema }) userId: string,
  ) {
    return this.members.get(name, userId);
  }

  /** Creates or replaces a campaign. */
  @Put(':name')
  @Operation({
    id: 'putCampaign',
    summary: 'Create or replace a campaign',
    description:
      'It is a draft then, also if it had been approved. Nothing is sent until it is approved and scheduled.',
    problems: ['conflict', 'illegal_move', 'unknown_template'],
  })
  @Idempotent()
  @Audited()
  @ApiResponse({ status: 200, standardSchema: campaignResponse })
  async put(
    @Param('name', { schema: campaignName }) name: string,
    @Body({ schema: campaignBody }) body: CampaignBody,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.campaigns.put(name, await this.checks.check(body), by);
  }
}
