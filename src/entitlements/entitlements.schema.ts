import { z } from 'zod';
import { capabilities, MEMBERSHIP_STATUSES } from '../mailbox/events/event-data.schema.js';
import { instant, userId } from '../platform/auth/ids.schema.js';

/** Response of `GET /v1/users/{userId}/entitlement`. */
export const entitlementResponse = z.object({
  userId,
  version: z.int().nonnegative(),
  status: z.enum(MEMBERSHIP_STATUSES),
  planId: z.string().nullable(),
  capabilities,
  checkedAt: instant,
});
