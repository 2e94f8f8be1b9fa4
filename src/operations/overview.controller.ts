import { Controller, Get } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { edgeList, overview } from './overview.schema.js';
import { OverviewService } from './overview.service.js';

/** What operators look at. */
@ApiTags('operations')
@Controller('v1')
@NeedsScope('read')
export class OverviewController {
  constructor(private readonly service: OverviewService) {}

  /** All nodes, and what waits: is everything well? */
  @Get('operations/overview')
  @ApiResponse({ status: 200, standardSchema: overview })
  overview() {
    return this.service.overview();
  }

  /** The edge nodes that are connected, with the node that each is connected to; one entry a connection. */
  @Get('edges')
  @ApiResponse({ status: 200, standardSchema: edgeList })
  async edges() {
    return { edges: await this.service.listEdges() };
  }
}
