import { z } from 'zod';
import { capabilities } from '../../mailbox/events/event-data.schema.js';
import { plainText } from '../../platform/http/text.schema.js';

/** A plan's id, chosen by the back office. */
export const planId = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, { error: 'must be 1 to 64 of A-Z a-z 0-9 _ . : -' });

/** Body of `PUT /v1/plans/{planId}`. */
export const planBody = z.strictObject({
  name: plainText(100).min(1),
  prices: z.array(plainText(255).min(1)).max(1_000).describe("The processors' price ids"),
  capabilities: z.strictObject(capabilities.shape),
});
export type PlanBody = z.infer<typeof planBody>;
/** Response of the same. */
export const planResponse = planBody.extend({ planId });

/** Body of `PUT /v1/users/{userId}/links/{processor}`. */
export const linkBody = z.strictObject({ customerId: plainText(255).min(1) });
export type LinkBody = z.infer<typeof linkBody>;
