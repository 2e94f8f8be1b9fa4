import { Controller, Get } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { forecastResponse } from './forecast.schema.js';
import { PushReportService } from './push-report.service.js';
import { Operation } from '../../platform/http/docs/operation.js';

@ApiTags('back offices')
@Controller('v1/push')
export class ForecastController {
  constructor(private readonly report: PushReportService) {}

  /** What waits for each push provider, and when it will be sent. */
  @Get('forecast')
  @Operation({ id: 'getPushForecast', summary: 'Read how many pushes wait, and when all will be sent' })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: forecastResponse })
  async forecast() {
    return { vendors: await this.report.forecast() };
  }
}
