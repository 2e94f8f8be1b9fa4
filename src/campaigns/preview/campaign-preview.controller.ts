import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { campaignName } from '../definitions/campaign.schema.js';
import { CampaignPreviewService } from './campaign-preview.service.js';
import { CampaignTestsService } from './campaign-tests.service.js';
import { DryRunService } from './dry-run.service.js';
import {
  campaignForecast,
  campaignPreview,
  campaignReader,
  type CampaignReader,
  campaignTested,
} from './preview.schema.js';

/** What a campaign will be. */
@ApiTags('back offices')
@Controller('v1/campaigns/:name')
@NeedsScope('operate')
export class CampaignPreviewController {
  constructor(
    private readonly previews: CampaignPreviewService,
    private readonly tests: CampaignTestsService,
    private readonly dryRuns: DryRunService,
  ) {}

  /** What one user would get. */
  @Post('preview')
  @Operation({
    id: 'previewCampaign',
    summary: 'See what a campaign would say to one user now, and how',
    problems: ['not_found', 'unknown_template'],
  })
  @HttpCode(200)
  @ApiResponse({ status: 200, standardSchema: campaignPreview })
  preview(
    @Param('name', { schema: campaignName }) name: string,
    @Body({ schema: campaignReader }) body: CampaignReader,
  ) {
    return this.previews.preview(name, body);
  }

  /** What would come of it. */
  @Post('dry-run')
  @Operation({
    id: 'forecastCampaign',
    summary: 'Forecast how many people a campaign reaches, how, and when it is through',
    description: 'By a sample. Nothing is sent or stored.',
    problems: ['not_found'],
  })
  @HttpCode(200)
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: campaignForecast })
  dryRun(@Param('name', { schema: campaignName }) name: string) {
    return this.dryRuns.forecast(name);
  }

  /** Sends it to one user. */
  @Post('test')
  @Operation({
    id: 'testCampaign',
    summary: 'Send a campaign to one user, to try it',
    description: 'Whatever its state, and whether or not the user is a member. It counts nowhere.',
    problems: ['not_found', 'unknown_template', 'template_data_invalid', 'conflict'],
  })
  @HttpCode(202)
  @Audited()
  @ApiResponse({ status: 202, standardSchema: campaignTested })
  test(
    @Param('name', { schema: campaignName }) name: string,
    @Body({ schema: campaignReader }) body: CampaignReader,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.tests.send(name, body, by);
  }
}
