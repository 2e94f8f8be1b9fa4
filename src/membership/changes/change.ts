import { type Action, scheduledEnd, STATUS_RULES, statusAt, type Subscription } from '../membership.js';

/** A change that a user asks for. */
export interface ChangeCommand {
  readonly action: Action;
  /** The plan to change to, with `change_plan` alone. */
  readonly planId?: string | undefined;
}

/** Why the change is not allowed at `now`, as a sentence for people; undefined when it is allowed. */
export function illegalChangeReason(
  subscription: Subscription | undefined,
  { action, planId }: ChangeCommand,
  now: Date,
): string | undefined {
  if (!subscription) return 'There is no membership to change.';
  const status = statusAt(subscription.status, scheduledEnd(subscription), now);
  if (!STATUS_RULES[status].actions.includes(action))
    return `A membership that is ${status} cannot be changed by ${action}.`;
  if (action === 'cancel' && subscription.cancelAt) return 'It is canceled already, and ends then.';
  if (action === 'resume' && !subscription.cancelAt && status !== 'paused')
    return 'It goes on anyway: there is nothing to resume.';
  if (action === 'change_plan' && planId === subscription.planId) return 'That is its plan already.';
  return undefined;
}
