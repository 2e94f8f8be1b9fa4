import type { Membership } from '@usher/client';

/** What a person can do in the back office. The first seven are the server's (`BILLING_ACTIONS` of src/demo). */
export type ActionId =
  | 'basic'
  | 'premium'
  | 'payment_fails'
  | 'payment_mended'
  | 'cancel_at_period_end'
  | 'resume'
  | 'cancel_now'
  | 'tonight'
  | 'publish'
  | 'mail'
  | 'text'
  | 'evening'
  | 'stop_streams';

/** What decides whether an action is legal. */
export interface Situation {
  /** Undefined until the server has told it. */
  readonly membership: Membership | undefined;
  /** Whether a screen of this page receives a film. */
  readonly isStreaming: boolean;
}

export const isRunning = (membership: Membership | undefined): membership is Membership =>
  membership !== undefined && membership.status !== 'none' && membership.status !== 'canceled';

/** Returns the label of an action, which for the two plans depends on whether the user has one. */
export function labelOf(action: ActionId, { membership }: Situation): string {
  const hasPlan = isRunning(membership);
  switch (action) {
    case 'basic':
      return hasPlan ? 'Change to Basic' : 'Subscribe to Basic';
    case 'premium':
      return hasPlan ? 'Upgrade to Premium' : 'Subscribe to Premium';
    default:
      return LABELS[action];
  }
}

const LABELS = {
  payment_fails: 'Payment fails',
  payment_mended: 'Payment succeeds',
  cancel_at_period_end: 'Cancel at period end',
  resume: 'Resume',
  cancel_now: 'Cancel now',
  tonight: 'Run tonight’s recommendations',
  publish: 'Publish an event',
  mail: 'Send a mail',
  text: 'Send a text',
  evening: 'Move the clock to 16:59',
  stop_streams: 'Stop all streams',
} as const;

/** What changes something whatever the user has. */
const ALWAYS = new Set<ActionId>(['tonight', 'publish', 'mail', 'text', 'evening']);

/** Returns why an action would change nothing now, as a sentence; undefined if it is legal. */
export function whyNot(action: ActionId, { membership, isStreaming }: Situation): string | undefined {
  if (ALWAYS.has(action)) return undefined;
  if (action === 'stop_streams') return isStreaming ? undefined : 'Nothing plays on these screens.';
  if (!membership) return 'The server has not said yet what the user has.';
  if (action === 'basic' || action === 'premium') return whyNotPlan(`demo-${action}`, membership);
  if (!isRunning(membership)) return 'There is no running subscription: subscribe first.';
  return whyNotBilling(action, membership);
}

/** A change of plan also ends a cancellation and a debt: it changes nothing only without both. */
function whyNotPlan(planId: string, { planId: current, status, cancelAt }: Membership): string | undefined {
  const isSame = status === 'active' && current === planId && !cancelAt;
  return isSame ? 'The user has this plan already.' : undefined;
}

function whyNotBilling(action: ActionId, { status, cancelAt }: Membership): string | undefined {
  switch (action) {
    case 'payment_fails':
      return status === 'past_due' ? 'The payment has failed already.' : undefined;
    case 'payment_mended':
      return status === 'past_due' ? undefined : 'No payment is overdue.';
    case 'cancel_at_period_end':
      return cancelAt ? 'It ends with the period already.' : undefined;
    case 'resume':
      return cancelAt ? undefined : 'Nothing was cancelled that could be resumed.';
    default:
      return undefined;
  }
}
