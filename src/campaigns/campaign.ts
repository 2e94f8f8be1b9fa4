import type { Actor } from '../platform/audit/audit-entry.js';
import type { CampaignState } from './campaign-moves.js';

/** The ways by which a campaign reaches people. `app`: its event alone, which apps show when they are next connected. */
export const CAMPAIGN_CHANNELS = ['push', 'email', 'sms', 'app'] as const;
/** One of CAMPAIGN_CHANNELS. */
export type CampaignChannel = (typeof CAMPAIGN_CHANNELS)[number];

/** The type of a campaign's events: its first word is what preferences and opt-outs are about. */
export const CAMPAIGN_EVENT = 'campaign.message';

/** An instant (ISO 8601), or a time of each member's day. */
export type CampaignStart = string | { readonly date: string; readonly time: string };

/** What a campaign says, to whom, when and how. */
export interface CampaignDefinition {
  readonly template: {
    readonly name: string;
    readonly version: number;
    /** Values that all members have; those of a member come on top. */
    readonly data: Readonly<Record<string, unknown>>;
  };
  /**
   * It is one broadcast, for every device of every user. Then there are no audiences and exclusions, no cap and no goal; it begins at an instant, and `app`
   * is its one channel.
   */
  readonly to?: 'everyone' | undefined;
  /** Names. A member of several counts once. */
  readonly audiences: readonly string[];
  readonly exclusions: readonly string[];
  /** The first one that the member has and wants is taken. */
  readonly channels: readonly CampaignChannel[];
  readonly startAt: CampaignStart;
  /** ISO 8601. What is not queued by then is not sent. */
  readonly expiresAt?: string | undefined;
  /** The most campaigns that one person gets in so many days, this one included. */
  readonly cap?: { readonly campaigns: number; readonly withinDays: number } | undefined;
  /** What members are hoped to do. */
  readonly goal?: { readonly eventType: string; readonly withinHours: number } | undefined;
}

/** A campaign, by what is said. */
export interface NamedCampaign {
  readonly name: string;
  readonly body: CampaignDefinition;
}

/** A campaign as it is stored. Times are ISO 8601. */
export interface StoredCampaign extends NamedCampaign {
  readonly state: CampaignState;
  readonly author: Actor;
  readonly approver: Actor | null;
  /** Of one that is to begin at a local time: where that is first. */
  readonly startsAt: string | null;
  readonly expiresAt: string | null;
  /** Why it did not begin, or was held up. */
  readonly problem: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly startedAt: string | null;
  /** All members have been found; of one to everyone: it is published. */
  readonly frozenAt: string | null;
  /** Of one to everyone, once it is published. */
  readonly broadcastId: string | null;
  readonly endedAt: string | null;
}

/** A campaign at which a worker is. */
export interface WorkedCampaign {
  readonly name: string;
  /** How often in a row its work failed before. */
  readonly failures: number;
}

const DAY_MS = 86_400_000;
/** A campaign is of use for a week by default, and no longer than a month. */
const DEFAULT_DAYS = 7;
const MAX_DAYS = 30;

/** Returns when the first member's turn is, in milliseconds since 1970. No zone is more than 14 hours ahead of UTC. */
export const firstStartOf = (startAt: CampaignStart): number =>
  Date.parse(typeof startAt === 'string' ? startAt : `${startAt.date}T${startAt.time}:00+14:00`);

/** Returns when the campaign begins and expires, or why it cannot be scheduled now. */
export function periodOf(
  { startAt, expiresAt }: Pick<CampaignDefinition, 'startAt' | 'expiresAt'>,
  now: Date,
): { readonly startsAt: Date; readonly expiresAt: Date } | { readonly fault: string } {
  const starts = firstStartOf(startAt);
  const from = Math.max(starts, now.getTime());
  const expires = expiresAt === undefined ? from + DEFAULT_DAYS * DAY_MS : Date.parse(expiresAt);
  if (expires <= from) return { fault: 'expiresAt: must be after startAt, and in the future' };
  if (expires > from + MAX_DAYS * DAY_MS)
    return { fault: `expiresAt: must be within ${MAX_DAYS} days of the start` };
  return { startsAt: new Date(starts), expiresAt: new Date(expires) };
}
