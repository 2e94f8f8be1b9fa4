import { Controller, Get, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { searchQuery, type SearchQuery, searchResults } from './search.schema.js';
import { SearchService } from './search.service.js';
import { Operation } from '../platform/http/docs/operation.js';

/** Finds what has an id. */
@ApiTags('operations')
@Controller('v1/search')
@NeedsScope('read')
export class SearchController {
  constructor(private readonly service: SearchService) {}

  /** What has exactly this id, of whatever kind, and where it is read. */
  @Get()
  @Operation({ id: 'searchIds', summary: 'Find where an id occurs' })
  @ApiResponse({ status: 200, standardSchema: searchResults })
  async search(@Query({ schema: searchQuery }) query: SearchQuery) {
    return { results: await this.service.search(query) };
  }
}
