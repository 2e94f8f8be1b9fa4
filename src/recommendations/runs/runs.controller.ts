import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { describedRun, runId, runList, type RunsQuery, runsQuery } from './runs.schema.js';
import { RunsService } from './runs.service.js';
import { Operation } from '../../platform/http/docs/operation.js';

/** What became of the nightly files. */
@ApiTags('back offices')
@Controller('v1/recommendation-runs')
@NeedsScope('read')
export class RunsController {
  constructor(private readonly runs: RunsService) {}

  /** Lists the nightly files that were sent, the newest first. */
  @Get()
  @Operation({ id: 'listRuns', summary: 'List the runs of the nightly file' })
  @ApiResponse({ status: 200, standardSchema: runList })
  list(@Query({ schema: runsQuery }) query: RunsQuery) {
    return this.runs.list(query);
  }

  /** What became of one nightly file, with the first lines that were rejected. */
  @Get(':id')
  @Operation({ id: 'getRun', summary: 'Read one run of the nightly file', problems: ['not_found'] })
  @ApiResponse({ status: 200, standardSchema: describedRun })
  get(@Param('id', { schema: runId }) id: string) {
    return this.runs.describe(id);
  }
}
