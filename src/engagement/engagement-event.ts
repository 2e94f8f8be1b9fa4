/** What people do with what they were sent. Apps may have kinds of their own. */
export const ENGAGEMENT_KINDS = [
  'delivered',
  'opened',
  'tapped',
  'dismissed',
  'converted',
  'unsubscribed',
] as const;

/** What an app can know of its own user. The others are for those who send and sell to say. */
export const APP_KINDS = ['opened', 'tapped', 'dismissed'] as const;

/** The ways by which people get what is sent. */
export const ENGAGEMENT_CHANNELS = ['push', 'email', 'sms', 'app'] as const;

/** What takes the place of a name that is not known, or of one too many. No name of anybody's can be it. */
export const OTHER = '(other)';

/** By what engagement can be grouped, besides its kind: what an event says of where it comes from. */
export const ENGAGEMENT_DIMENSIONS = ['campaign', 'template', 'channel', 'platform', 'country'] as const;
/** One of ENGAGEMENT_DIMENSIONS. */
export type EngagementDimension = (typeof ENGAGEMENT_DIMENSIONS)[number];

/** What somebody did, once. */
export interface EngagementEvent {
  /** Unique among the events of the user. */
  readonly id: string;
  readonly userId: string;
  /** One of ENGAGEMENT_KINDS, or a name of the app's own. */
  readonly kind: string;
  /** When it was done; ISO 8601 in UTC. */
  readonly at: string;
  readonly team?: string | undefined;
  readonly campaign?: string | undefined;
  readonly template?: string | undefined;
  readonly channel?: string | undefined;
  readonly platform?: string | undefined;
  /** ISO 3166-1 alpha-2. */
  readonly country?: string | undefined;
  /** No person did it: a program that looks at mails before people do. */
  readonly isMachine?: boolean;
  /** The day (UTC, `2026-11-26`) by which it is known as the same; that of `at` unless it says another. */
  readonly day?: string;
}
