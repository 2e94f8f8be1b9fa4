import { Controller, Get, Param } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { userId as userIdSchema } from '../platform/auth/ids.schema.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import { EntitlementStore } from './entitlement.store.js';
import { entitlementResponse } from './entitlements.schema.js';
import { Operation } from '../platform/http/docs/operation.js';

/** When PostgreSQL takes longer the edge node gets a 503: it must decide within seconds whether to serve the stream. */
const RESPONSE_TIMEOUT_MS = 5_000;

/** What edge nodes check before they serve a stream. */
@ApiTags('edge nodes')
@Controller('v1/users')
export class EntitlementsController {
  constructor(private readonly store: EntitlementStore) {}

  /** What the user may do now. */
  @Get(':userId/entitlement')
  @Operation({
    id: 'getEntitlement',
    summary: 'Read what a user may do now',
    description:
      'Never older than any version that was received before the call. An unknown user has version 0 and may do nothing.',
  })
  @NeedsScope('edge')
  @ApiResponse({ status: 200, standardSchema: entitlementResponse })
  read(@Param('userId', { schema: userIdSchema }) userId: string) {
    return withTimeout(RESPONSE_TIMEOUT_MS, this.store.get(userId));
  }
}
