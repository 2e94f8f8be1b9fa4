import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { PrimaryLinkService } from '../processes/primary-link.service.js';
import { MetricsService } from './metrics.service.js';

/** Serves the metrics in Prometheus' text format; of all processes, whichever is asked. */
@ApiExcludeController()
@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly metrics: MetricsService,
    private readonly primary: PrimaryLinkService,
  ) {}

  @Get()
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  read(): Promise<string> {
    return this.primary.isThere ? this.primary.metricsOfAll() : this.metrics.registry.metrics();
  }
}
