import { type Action, endOf, STATUS_RULES, statusAt, type Subscription } from '../membership.js';

/** What a user asks for. */
export interface ChangeCommand {
  readonly action: Action;
  /** The plan to change to. */
  readonly planId?: string | undefined;
}

/** Why the subscription's user cannot have this now: a sentence for people; undefined when it is legal. */
export function whyIllegal(
  subscription: Subscription | undefined,
  { action, planId }: ChangeCommand,
  now: Date,
): string | undefined {
  if (!subscription) return 'There is no membership to change.';
  const status = statusAt(subscription.status, endOf(subscription), now);
  if (!STATUS_RULES[status].asks.includes(action))
    return `A membership that is ${status} cannot be changed by ${action}.`;
  if (action === 'cancel' && subscription.cancelAt) return 'It is canceled already, and ends then.';
  if (action === 'resume' && !subscription.cancelAt && status !== 'paused')
    return 'It goes on anyway: there is nothing to resume.';
  if (action === 'change_plan' && planId === subscription.planId) return 'That is its plan already.';
  return undefined;
}
