import { Controller, Get } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { PushResultsWorker } from './push-results.worker.js';
import { resultsResponse } from './results.schema.js';

@ApiTags('operations')
@Controller('v1/push/results')
export class ResultsController {
  constructor(private readonly results: PushResultsWorker) {}

  /** What became of pushes in the last hour and the last day, by provider and reason. */
  @Get()
  @Operation({
    id: 'getPushResults',
    summary: 'Read what became of pushes in the last hour and the last day',
    description: 'By provider and reason, with what to do where our credentials or settings are wrong.',
  })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: resultsResponse })
  read() {
    return this.results.read();
  }
}
