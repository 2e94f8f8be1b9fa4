import { z } from 'zod';
import { MEMBERSHIP_ACTIONS } from '../../mailbox/events/event-data.schema.js';
import { membershipView } from '../../mailbox/state/state.schema.js';
import { planId } from '../plans/plans.schema.js';

/** Body of `POST /v1/me/membership/changes`. */
export const changeBody = z
  .object({
    action: z.enum(MEMBERSHIP_ACTIONS).describe('`cancel` ends the membership with the paid period'),
    planId: planId.optional().describe('The plan to change to; with `change_plan` alone'),
  })
  .refine(({ action, planId: plan }) => action !== 'change_plan' || plan !== undefined, {
    path: ['planId'],
    error: 'is needed to change the plan',
  })
  .meta({ id: 'MembershipChange', examples: [{ action: 'cancel' }] });
export type ChangeBody = z.infer<typeof changeBody>;

/** A membership as in the state (MembershipView). */
export const membershipResponse = membershipView;
