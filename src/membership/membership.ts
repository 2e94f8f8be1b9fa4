/** CONTRACT §5. */
export const STATUSES = ['none', 'trialing', 'active', 'past_due', 'paused', 'canceled'] as const;
export type Status = (typeof STATUSES)[number];

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

/** One subscription at a processor, by its newest word. */
export interface Subscription {
  readonly status: Status;
  readonly planId: string | null;
  readonly effectiveAt: Date;
  /** It ends then, unless resumed. */
  readonly cancelAt: Date | null;
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
}

/** Which statuses let the user watch; a failed payment gives time to mend it. */
const GRANTS: Record<Status, boolean> = {
  none: false,
  trialing: true,
  active: true,
  past_due: true,
  paused: false,
  canceled: false,
};

/** Of several subscriptions the most useful one speaks for the user. */
const PREFERENCE: readonly Status[] = ['active', 'trialing', 'past_due', 'paused', 'none', 'canceled'];

export function capabilitiesOf(status: Status, planned: Capabilities | null | undefined): Capabilities {
  return GRANTS[status] && planned ? planned : NO_CAPABILITIES;
}

/** The membership that follows from all of a user's subscriptions; undefined when there are none. */
export function membershipFrom(subscriptions: readonly Subscription[]): MembershipContent | undefined {
  const [best] = [...subscriptions].sort(
    (a, b) =>
      PREFERENCE.indexOf(a.status) - PREFERENCE.indexOf(b.status) || b.asOf.getTime() - a.asOf.getTime(),
  );
  if (!best) return undefined;
  const { status, planId, effectiveAt, cancelAt } = best;
  return { status, planId, effectiveAt, cancelAt };
}

/** Whether there is anything to tell: a new version is only made for a change that someone could notice. */
export function differs(a: MembershipContent | undefined, b: MembershipContent): boolean {
  return (
    !a || a.status !== b.status || a.planId !== b.planId || a.cancelAt?.getTime() !== b.cancelAt?.getTime()
  );
}

/** How a processor's word relates to what is known of the subscription. */
export interface Precedence {
  readonly asOf: Date;
  readonly ended: boolean;
}

/**
 * Whether the word is news. Webhooks come in any order: an end is final, else the processor's clock decides; its
 * resolution is a second, and `followsTie` says what else is known of two words of the same second.
 */
export function isNews(known: Precedence | undefined, word: Precedence, followsTie: () => boolean): boolean {
  if (!known) return true;
  if (known.ended) return false;
  if (word.ended) return true;
  const order = word.asOf.getTime() - known.asOf.getTime();
  return order > 0 || (order === 0 && followsTie());
}
