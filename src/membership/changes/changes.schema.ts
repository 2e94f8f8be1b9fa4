import { z } from 'zod';
import { instant } from '../../platform/auth/ids.schema.js';
import { membershipChangedData } from '../../mailbox/events/event-data.schema.js';
import { ACTIONS } from '../membership.js';
import { planId } from '../plans/plans.schema.js';

/** Body of `POST /v1/me/membership/changes`. */
export const changeBody = z
  .object({
    action: z.enum(ACTIONS).describe('`cancel` ends the membership with the paid period'),
    planId: planId.optional().describe('The plan to change to; with `change_plan` alone'),
  })
  .refine(({ action, planId: plan }) => action !== 'change_plan' || plan !== undefined, {
    path: ['planId'],
    error: 'is needed to change the plan',
  });
export type ChangeBody = z.infer<typeof changeBody>;

/** `pendingChange` of a membership. */
export const pendingChange = z
  .object({ action: z.enum(ACTIONS), planId: z.string().optional(), since: instant })
  .describe('A change that the processor has not confirmed yet; Usher retries it');

/** A membership as in the state (MembershipView). */
export const membershipResponse = membershipChangedData.extend({ pendingChange: pendingChange.optional() });
