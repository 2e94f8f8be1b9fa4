import type { MEMBERSHIP_STATUSES } from '../mailbox/events/event-data.schema.js';

export type Status = (typeof MEMBERSHIP_STATUSES)[number];

/** What a plan lets its users do. */
export interface Capabilities {
  readonly streaming: boolean;
  readonly maxStreams: number;
  readonly maxQuality: string | number;
  readonly downloads: boolean;
  readonly ads: boolean;
}

export const NO_CAPABILITIES: Capabilities = {
  streaming: false,
  maxStreams: 0,
  maxQuality: 'none',
  downloads: false,
  ads: false,
};

/** What a user may ask for (CONTRACT §3, `POST /v1/me/membership/changes`). */
export const ACTIONS = ['cancel', 'resume', 'change_plan'] as const;
export type Action = (typeof ACTIONS)[number];

/** What a status is, and what may become of it. */
interface Stage {
  /** Whether the user may watch; a failed payment gives time to mend it. */
  readonly grants: boolean;
  /** Whether our own clock may end it: at `cancelAt`, or when the time to mend a payment is over. */
  readonly endsByClock: boolean;
  /** What its user may ask for. */
  readonly asks: readonly Action[];
}

/**
 * The one table of what a status allows. What a *processor* may say next has no column: any status may follow any other,
 * since what was said between them may have been lost, and its word is the truth. Only a subscription's end is final
 * (precedence.ts).
 */
export const STATUS_RULES: Readonly<Record<Status, Stage>> = {
  none: { grants: false, endsByClock: false, asks: [] },
  trialing: { grants: true, endsByClock: true, asks: ['cancel', 'resume', 'change_plan'] },
  active: { grants: true, endsByClock: true, asks: ['cancel', 'resume', 'change_plan'] },
  past_due: { grants: true, endsByClock: true, asks: ['cancel', 'resume'] },
  paused: { grants: false, endsByClock: true, asks: ['cancel', 'resume'] },
  canceled: { grants: false, endsByClock: false, asks: [] },
};

/** Of several subscriptions the most useful one speaks for the user. */
const PREFERENCE: readonly Status[] = ['active', 'trialing', 'past_due', 'paused', 'none', 'canceled'];

/** One subscription at a processor, by its newest word. */
export interface Subscription {
  readonly processor: string;
  readonly subscriptionId: string;
  readonly status: Status;
  readonly planId: string | null;
  readonly effectiveAt: Date;
  /** It ends then, unless resumed. */
  readonly cancelAt: Date | null;
  /** While its payment has failed: until then it is good. */
  readonly graceEndsAt: Date | null;
  /** The processor will never say anything else of it. */
  readonly ended: boolean;
  readonly asOf: Date;
}

/** What a user pays for, over all subscriptions. */
export interface MembershipContent {
  readonly status: Status;
  readonly planId: string | null;
  readonly effectiveAt: Date;
  readonly cancelAt: Date | null;
  /** When our own clock ends it; null when nothing is planned. */
  readonly endsAt: Date | null;
}

export function capabilitiesOf(status: Status, planned: Capabilities | null | undefined): Capabilities {
  return STATUS_RULES[status].grants && planned ? planned : NO_CAPABILITIES;
}

/** When our own clock ends the subscription; null when nothing is planned. */
export function endOf({
  status,
  cancelAt,
  graceEndsAt,
}: Pick<Subscription, 'status' | 'cancelAt' | 'graceEndsAt'>): Date | null {
  if (!STATUS_RULES[status].endsByClock) return null;
  const grace = status === 'past_due' ? graceEndsAt : null;
  if (!cancelAt || !grace) return cancelAt ?? grace;
  return cancelAt < grace ? cancelAt : grace;
}

/** The status that holds now: what was stored, until its end has passed, whether or not somebody noticed yet. */
export function statusAt(status: Status, endsAt: Date | null, now: Date): Status {
  return endsAt !== null && endsAt <= now && STATUS_RULES[status].endsByClock ? 'canceled' : status;
}

/**
 * Which subscription speaks for the user: that with the most useful status, of equals the one that lasts longest, then
 * the one heard of last. So access is granted while any of them grants it.
 */
export function primarySubscription<S extends Subscription>(
  subscriptions: readonly S[],
  now: Date,
): S | undefined {
  const rank = (one: S) => PREFERENCE.indexOf(statusAt(one.status, endOf(one), now));
  const lasts = (one: S) => endOf(one)?.getTime() ?? Infinity;
  const name = (one: S) => `${one.processor} ${one.subscriptionId}`;
  const [first] = [...subscriptions].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      compare(lasts(b), lasts(a)) ||
      b.asOf.getTime() - a.asOf.getTime() ||
      compare(name(a), name(b)),
  );
  return first;
}

/** The membership that follows from all of a user's subscriptions at that instant; undefined when there are none. */
export function membershipFrom(
  subscriptions: readonly Subscription[],
  now: Date,
): MembershipContent | undefined {
  const best = primarySubscription(subscriptions, now);
  if (!best) return undefined;
  const { planId, effectiveAt, cancelAt } = best;
  const endsAt = endOf(best);
  const status = statusAt(best.status, endsAt, now);
  if (endsAt !== null && status !== best.status)
    return { status, planId, effectiveAt: endsAt, cancelAt: null, endsAt: null };
  return { status, planId, effectiveAt, cancelAt, endsAt };
}

/** Whether there is anything to tell: a new version is only made for a change that someone could notice. */
export function differs(a: MembershipContent | undefined, b: MembershipContent): boolean {
  return (
    !a ||
    a.status !== b.status ||
    a.planId !== b.planId ||
    a.cancelAt?.getTime() !== b.cancelAt?.getTime() ||
    a.endsAt?.getTime() !== b.endsAt?.getTime()
  );
}

const compare = <T extends number | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
