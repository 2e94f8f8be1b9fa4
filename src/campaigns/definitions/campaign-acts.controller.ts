import { Controller, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { CampaignActsService } from './campaign-acts.service.js';
import { type ApprovalQuery, approvalQuery, campaignName, campaignResponse } from './campaign.schema.js';

/** What is done with campaigns, step by step. */
@ApiTags('back offices')
@Controller('v1/campaigns/:name')
@NeedsScope('operate')
export class CampaignActsController {
  constructor(private readonly acts: CampaignActsService) {}

  /** Approves a draft. */
  @Post('approve')
  @Operation({
    id: 'approveCampaign',
    summary: 'Approve a campaign',
    description:
      'With CAMPAIGN_APPROVAL=another not by who wrote it last. What a campaign to everyone says is checked.',
    problems: [
      'not_found',
      'illegal_move',
      'conflict',
      'same_person',
      'unknown_template',
      'template_data_invalid',
    ],
  })
  @HttpCode(200)
  @Audited()
  @ApiResponse({ status: 200, standardSchema: campaignResponse })
  approve(
    @Param('name', { schema: campaignName }) name: string,
    @Query({ schema: approvalQuery }) { updatedAt }: ApprovalQuery,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.acts.act('approve', name, by, updatedAt);
  }

  /** Has a campaign begin at its time. */
  @Post('schedule')
  @Operation({
    id: 'scheduleCampaign',
    summary: 'Have a campaign begin at its time',
    description: 'At once if that has passed.',
    problems: ['not_found', 'illegal_move', 'conflict', 'unknown_template', 'template_data_invalid'],
  })
  @HttpCode(200)
  @Audited()
  @ApiResponse({ status: 200, standardSchema: campaignResponse })
  schedule(@Param('name', { schema: campaignName }) name: string, @CurrentAuditContext() by: AuditContext) {
    return this.acts.act('schedule', name, by);
  }

  /** Holds a campaign up. */
  @Post('pause')
  @Operation({
    id: 'pauseCampaign',
    summary: 'Hold a campaign up',
    description:
      'Nothing more is queued from then on; what is queued already is sent. One to everyone that is published cannot be held up.',
    problems: ['not_found', 'illegal_move'],
  })
  @HttpCode(200)
  @Audited('required')
  @ApiResponse({ status: 200, standardSchema: campaignResponse })
  pause(@Param('name', { schema: campaignName }) name: string, @CurrentAuditContext() by: AuditContext) {
    return this.acts.act('pause', name, by);
  }

  /** Lets a campaign go on. */
  @Post('resume')
  @Operation({
    id: 'resumeCampaign',
    summary: 'Let a campaign go on',
    problems: ['not_found', 'illegal_move'],
  })
  @HttpCode(200)
  @Audited('required')
  @ApiResponse({ status: 200, standardSchema: campaignResponse })
  resume(@Param('name', { schema: campaignName }) name: string, @CurrentAuditContext() by: AuditContext) {
    return this.acts.act('resume', name, by);
  }

  /** Ends a campaign. */
  @Post('abort')
  @Operation({
    id: 'abortCampaign',
    summary: 'End a campaign for good',
    description:
      'Nothing more is queued from then on; what is queued already is sent. The broadcast of one to everyone is withdrawn.',
    problems: ['not_found', 'illegal_move'],
  })
  @HttpCode(200)
  @Audited('required')
  @ApiResponse({ status: 200, standardSchema: campaignResponse })
  abort(@Param('name', { schema: campaignName }) name: string, @CurrentAuditContext() by: AuditContext) {
    return this.acts.act('abort', name, by);
  }
}
