import type { MEMBERSHIP_ACTIONS, MEMBERSHIP_STATUSES } from '../mailbox/events/event-data.schema.js';

/** The status of a subscription, and of the membership that follows from it. */
export type Status = (typeof MEMBERSHIP_STATUSES)[number];

/** What a plan lets its users do. */
export interface Capabilities {
  readonly streaming: boolean;
  readonly maxStreams: number;
  readonly maxQuality: string | number;
  readonly downloads: boolean;
  readonly ads: boolean;
}

/** What a user without a membership may do. */
export const NO_CAPABILITIES: Capabilities = {
  streaming: false,
  maxStreams: 0,
  maxQuality: 'none',
  downloads: false,
  ads: false,
};

/** What a user may ask for, by `POST /v1/me/membership/changes` (docs/CONTRACT.md). */
export type Action = (typeof MEMBERSHIP_ACTIONS)[number];

/** What a status allows. */
interface StatusRule {
  /** Whether the user may watch. After a failed payment they may, until the grace period ends. */
  readonly grants: boolean;
  /** Whether Usher ends it by its own clock: at `cancelAt`, or when the grace period after a failed payment is over. */
  readonly endsByClock: boolean;
  /** What its user may ask for. */
  readonly actions: readonly Action[];
}

/**
 * The one table of what a status allows. It does not restrict transitions: a processor may report any status after any other, since
 * the updates between them may have been lost, and the processor is right. Only a subscription's end is final (update-rules.ts).
 */
export const STATUS_RULES: Readonly<Record<Status, StatusRule>> = {
  none: { grants: false, endsByClock: false, actions: [] },
  trialing: { grants: true, endsByClock: true, actions: ['cancel', 'resume', 'change_plan'] },
  active: { grants: true, endsByClock: true, actions: ['cancel', 'resume', 'change_plan'] },
  past_due: { grants: true, endsByClock: true, actions: ['cancel', 'resume'] },
  paused: { grants: false, endsByClock: true, actions: ['cancel', 'resume'] },
  canceled: { grants: false, endsByClock: false, actions: [] },
};

/** The most useful status first. */
const PREFERENCE: readonly Status[] = ['active', 'trialing', 'past_due', 'paused', 'none', 'canceled'];

/** One subscription at a processor: the newest state that is known of it. */
export interface Subscription {
  readonly processor: string;
  readonly subscriptionId: string;
  readonly status: Status;
  readonly planId: string | null;
  readonly effectiveAt: Date;
  /** When it will end unless it is resumed. */
  readonly cancelAt: Date | null;
  /** After a failed payment: when its grace period ends. */
  readonly graceEndsAt: Date | null;
  /** Final: the processor will never change it again. */
  readonly ended: boolean;
  /** When this was its state, by the processor's clock. */
  readonly asOf: Date;
}

/** What a user pays for: the result of all of their subscriptions. */
export interface MembershipContent {
  readonly status: Status;
  readonly planId: string | null;
  readonly effectiveAt: Date;
  readonly cancelAt: Date | null;
  /** When Usher ends it by its own clock; null when no end is planned. */
  readonly endsAt: Date | null;
}

/** What a user with that status may do: the plan's capabilities, or nothing. */
export function capabilitiesOf(
  status: Status,
  planCapabilities: Capabilities | null | undefined,
): Capabilities {
  return STATUS_RULES[status].grants && planCapabilities ? planCapabilities : NO_CAPABILITIES;
}

/** When Usher ends the subscription by its own clock; null when no end is planned. */
export function scheduledEnd({
  status,
  cancelAt,
  graceEndsAt,
}: Pick<Subscription, 'status' | 'cancelAt' | 'graceEndsAt'>): Date | null {
  if (!STATUS_RULES[status].endsByClock) return null;
  const grace = status === 'past_due' ? graceEndsAt : null;
  if (!cancelAt || !grace) return cancelAt ?? grace;
  return cancelAt < grace ? cancelAt : grace;
}

/** The status at `now`: the stored one until its end has passed, whether or not a worker has ended it yet. */
export function statusAt(status: Status, endsAt: Date | null, now: Date): Status {
  return endsAt !== null && endsAt <= now && STATUS_RULES[status].endsByClock ? 'canceled' : status;
}

/**
 * The subscription that decides the membership: the one with the most useful status, among equals the one that lasts longest, then
 * the one updated last. So a user has access while any of their subscriptions grants it. Undefined when there are none.
 */
export function primarySubscription<S extends Subscription>(
  subscriptions: readonly S[],
  now: Date,
): S | undefined {
  const rank = (one: S) => PREFERENCE.indexOf(statusAt(one.status, scheduledEnd(one), now));
  const endTime = (one: S) => scheduledEnd(one)?.getTime() ?? Infinity;
  const name = (one: S) => `${one.processor} ${one.subscriptionId}`;
  const [first] = [...subscriptions].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      compare(endTime(b), endTime(a)) ||
      b.asOf.getTime() - a.asOf.getTime() ||
      compare(name(a), name(b)),
  );
  return first;
}

/** The membership that follows from all of a user's subscriptions at `now`; undefined when there are none. */
export function deriveMembership(
  subscriptions: readonly Subscription[],
  now: Date,
): MembershipContent | undefined {
  const primary = primarySubscription(subscriptions, now);
  if (!primary) return undefined;
  const { planId, effectiveAt, cancelAt } = primary;
  const endsAt = scheduledEnd(primary);
  const status = statusAt(primary.status, endsAt, now);
  if (endsAt !== null && status !== primary.status)
    return { status, planId, effectiveAt: endsAt, cancelAt: null, endsAt: null };
  return { status, planId, effectiveAt, cancelAt, endsAt };
}

/** Whether the change deserves a new version: only one that users or devices could notice does. */
export function hasChanged(before: MembershipContent | undefined, after: MembershipContent): boolean {
  return (
    !before ||
    before.status !== after.status ||
    before.planId !== after.planId ||
    before.cancelAt?.getTime() !== after.cancelAt?.getTime() ||
    before.endsAt?.getTime() !== after.endsAt?.getTime()
  );
}

const compare = <T extends number | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
