import { z } from 'zod';
import { capabilities } from '../../mailbox/events/event-data.schema.js';
import { instant } from '../../platform/auth/ids.schema.js';
import { cursorOf, listLimit, nextCursor } from '../../platform/http/cursor.schema.js';
import { plainText } from '../../platform/http/text.schema.js';

/** A plan's id, chosen by the back office. */
export const planId = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, { error: 'must be 1 to 64 of A-Z a-z 0-9 _ . : -' });

/** Body of `PUT /v1/plans/{planId}`. */
export const planBody = z.object({
  name: plainText(100).min(1),
  prices: z.array(plainText(255).min(1)).max(1_000).describe("The processors' price ids"),
  capabilities,
});
export type PlanBody = z.infer<typeof planBody>;
/** Response of the same. */
export const planResponse = planBody.extend({ planId });

/** A plan as `GET /v1/plans` lists it. */
export const listedPlan = planResponse.extend({
  revision: z.int().describe('Grows when the capabilities change'),
  updatedAt: instant,
});
/** Response of `GET /v1/plans/{planId}`. */
export const describedPlan = listedPlan.extend({
  members: z.int().describe('Whom the plan grants something now; the count stops at 100,000'),
  behind: z
    .int()
    .describe('Members who have not got the newest capabilities yet; the count stops at 100,000'),
});
/** Query of `GET /v1/plans`. */
export const plansQuery = z.object({ after: cursorOf(z.tuple([planId])).optional(), limit: listLimit });
export type PlansQuery = z.infer<typeof plansQuery>;
/** Response of the same: by id. */
export const planList = z.object({ plans: z.array(listedPlan), next: nextCursor });

/** Body of `PUT /v1/users/{userId}/links/{processor}`. */
export const linkBody = z.object({ customerId: plainText(255).min(1) });
export type LinkBody = z.infer<typeof linkBody>;
