import { Controller, Get, Header } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { jwks } from '../streams.schema.js';
import { LeaseSignerService } from './lease-signer.service.js';
import { Operation } from '../../platform/http/docs/operation.js';

/** Publishes the public keys of leases. */
@ApiTags('edge nodes')
@Controller('.well-known')
export class LeaseKeysController {
  constructor(private readonly keys: LeaseSignerService) {}

  /**
   * The keys that verify leases. The next one is listed at least a day before it signs, so the response may be cached
   * for hours.
   */
  @Get('jwks.json')
  @Operation({
    id: 'getLeaseKeys',
    summary: 'Read the keys that verify leases',
    description:
      'The next one is listed at least a day before it signs, so the response may be cached for hours.',
  })
  @Header('Cache-Control', 'public, max-age=300, stale-if-error=86400')
  @ApiResponse({ status: 200, standardSchema: jwks })
  read() {
    return this.keys.published;
  }
}
