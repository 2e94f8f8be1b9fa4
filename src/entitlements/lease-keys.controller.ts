import { Controller, Get, Header } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { keySet } from './streams.schema.js';
import { LeaseKeys } from './lease-keys.service.js';

@ApiTags('edge nodes')
@Controller('.well-known')
export class LeaseKeysController {
  constructor(private readonly keys: LeaseKeys) {}

  /** The keys that verify leases. The next one is among them a day before it signs, so they may be kept for hours. */
  @Get('jwks.json')
  @Header('Cache-Control', 'public, max-age=300, stale-if-error=86400')
  @ApiResponse({ status: 200, standardSchema: keySet })
  read() {
    return this.keys.published;
  }
}
