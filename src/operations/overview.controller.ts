import { Controller, Get } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { edgeList, overview } from './overview.schema.js';
import { OverviewService } from './overview.service.js';
import { Operation } from '../platform/http/docs/operation.js';

/** What operators look at. */
@ApiTags('operations')
@Controller('v1')
@NeedsScope('read')
export class OverviewController {
  constructor(private readonly service: OverviewService) {}

  /** All nodes, and what waits: is everything well? */
  @Get('operations/overview')
  @Operation({ id: 'getOverview', summary: 'Read how all nodes are, and what waits' })
  @ApiResponse({ status: 200, standardSchema: overview })
  overview() {
    return this.service.overview();
  }

  /** The edge nodes that are connected, with the node that each is connected to; one entry a connection. */
  @Get('edges')
  @Operation({ id: 'listEdges', summary: 'List the edge nodes' })
  @ApiResponse({ status: 200, standardSchema: edgeList })
  async edges() {
    return { edges: await this.service.listEdges() };
  }
}
