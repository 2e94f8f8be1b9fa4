import { Controller, Get } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../platform/auth/service-key.guard.js';
import { forecastAnswer } from './push.schema.js';
import { PushReport } from './report.service.js';

@ApiTags('back offices')
@Controller('v1/push')
export class ForecastController {
  constructor(private readonly report: PushReport) {}

  /** What waits for each push vendor, and when it will be through. */
  @Get('forecast')
  @NeedsScope('admin')
  @ApiResponse({ status: 200, standardSchema: forecastAnswer })
  async forecast() {
    return { vendors: await this.report.forecast() };
  }
}
