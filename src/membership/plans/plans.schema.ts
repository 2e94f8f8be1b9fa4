import { z } from 'zod';
import { capabilities } from '../../mailbox/events/event-data.schema.js';
import { instant, userId } from '../../platform/auth/ids.schema.js';
import { cursorOf, listLimit, nextCursor } from '../../platform/http/cursor.schema.js';
import { plainText } from '../../platform/http/text.schema.js';

/** A plan's id, chosen by the back office. */
export const planId = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, { error: 'must be 1 to 64 of A-Z a-z 0-9 _ . : -' })
  .meta({ description: 'A plan, as the back office named it', examples: ['premium'] });

const EXAMPLE = {
  name: 'Premium',
  prices: ['price_premium'],
  capabilities: { streaming: true, maxStreams: 4, maxQuality: '4k', downloads: true, ads: false },
};
const name = plainText(100).min(1);
const prices = z.array(plainText(255).min(1)).max(1_000).describe("The processors' price ids");

/** Body of `PUT /v1/plans/{planId}`. */
export const planBody = z
  .strictObject({ name, prices, capabilities: z.strictObject(capabilities.shape) })
  .meta({ id: 'NewPlan', examples: [EXAMPLE] });
export type PlanBody = z.infer<typeof planBody>;
/** Response of the same. */
export const planResponse = z.object({ planId, name, prices, capabilities }).meta({ id: 'Plan' });

const customerId = plainText(255).min(1).describe("The processor's id of the customer");

/** A plan as `GET /v1/plans` lists it. */
export const listedPlan = planResponse.extend({
  revision: z.int().describe('Grows when the capabilities change'),
  updatedAt: instant,
});
/** Response of `GET /v1/plans/{planId}`. */
export const describedPlan = listedPlan
  .extend({
    members: z.int().describe('Whom the plan grants something now; the count stops at 100,000'),
    behind: z
      .int()
      .describe('Members who have not got the newest capabilities yet; the count stops at 100,000'),
  })
  .meta({ id: 'DescribedPlan' });
/** Fields of a plan that differ. */
const planFields = z.object({ name, prices, capabilities }).partial().nullable();
/** Response of `POST /v1/plans/{planId}/preview`. */
export const planPreview = z
  .object({
    planId,
    action: z.enum(['create', 'change', 'keep']),
    before: planFields.describe('The fields that would change, as they are; null for a new plan'),
    after: planFields.describe('The same as they would be'),
    takenPrices: z
      .array(z.string())
      .describe('Prices that another plan has: `PUT` would refuse with `price_taken`'),
    members: z
      .array(z.object({ status: z.string(), count: z.int() }))
      .describe('Whom the plan grants something now, by the status of the membership; counted up to 100,000'),
    affected: z
      .int()
      .describe('Members who would get a new version: all of them if capabilities change, else none'),
  })
  .meta({ id: 'PlanPreview', description: 'What a change of a plan would do' });
export type PlanPreview = z.infer<typeof planPreview>;

/** Query of `GET /v1/plans`. */
export const plansQuery = z.strictObject({ after: cursorOf(z.tuple([planId])).optional(), limit: listLimit });
export type PlansQuery = z.infer<typeof plansQuery>;
/** Response of the same: by id. */
export const planList = z.object({ plans: z.array(listedPlan), next: nextCursor }).meta({ id: 'Plans' });

/** Body of `PUT /v1/users/{userId}/links/{processor}`. */
export const linkBody = z
  .strictObject({ customerId })
  .meta({ id: 'NewLink', examples: [{ customerId: 'cus_ada' }] });
export type LinkBody = z.infer<typeof linkBody>;
/** Response of the same. */
export const linkResponse = z
  .object({ userId, processor: z.string(), customerId })
  .meta({ id: 'Link', description: 'To which user a customer belongs' });
