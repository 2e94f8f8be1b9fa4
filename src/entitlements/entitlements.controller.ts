import { Controller, Get, Param } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { userId as userIdSchema } from '../platform/auth/ids.schema.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import { EntitlementStore } from './entitlement.store.js';
import { entitlementAnswer } from './entitlements.schema.js';

/** An edge node waits no longer for PostgreSQL: it is told 503. */
const ANSWER_MS = 5_000;

@ApiTags('edge nodes')
@Controller('v1/users')
export class EntitlementsController {
  constructor(private readonly store: EntitlementStore) {}

  /** What the user may do now. */
  @Get(':userId/entitlement')
  @NeedsScope('edge')
  @ApiResponse({ status: 200, standardSchema: entitlementAnswer })
  read(@Param('userId', { schema: userIdSchema }) userId: string) {
    return withTimeout(ANSWER_MS, this.store.read(userId));
  }
}
