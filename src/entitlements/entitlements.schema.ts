import { z } from 'zod';
import { capabilities } from '../membership/plans/plans.schema.js';
import { STATUSES } from '../membership/membership.js';
import { instant, userId } from '../platform/auth/ids.schema.js';

export const entitlementAnswer = z.object({
  userId,
  version: z.int().nonnegative(),
  status: z.enum(STATUSES),
  planId: z.string().nullable(),
  capabilities,
  checkedAt: instant,
});
