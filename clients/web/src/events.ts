/** What a plan allows. */
export interface Capabilities {
  readonly streaming: boolean;
  readonly maxStreams: number;
  readonly maxQuality: string | number;
  readonly downloads: boolean;
  readonly ads: boolean;
}

export type MembershipStatus = 'none' | 'trialing' | 'active' | 'past_due' | 'paused' | 'canceled';

/** What the user pays for, as the payment processor reports it. `version` only grows. */
export interface Membership {
  readonly version: number;
  readonly status: MembershipStatus;
  readonly planId: string | null;
  readonly capabilities: Capabilities;
  readonly effectiveAt?: string;
  /** When an active membership will end, if it was canceled for the end of the paid period. ISO 8601. */
  readonly cancelAt?: string | null;
  readonly reason?: string;
}

/** A membership after a change. Only one that never existed (`none`, version 0) has neither date nor reason. */
export interface MembershipChanged extends Membership {
  readonly effectiveAt: string;
  readonly reason: string;
}

/** What the user may do now. It follows from the membership with the same version. */
export type Entitlement = Pick<Membership, 'version' | 'status' | 'planId' | 'capabilities'>;

/** This device must stop this stream. */
export interface StreamStop {
  readonly streamId: string;
  readonly reason: 'membership' | 'too_many_streams' | 'operator' | 'device_removed';
}

/** A playback position: how far a profile has watched a show, and on which device. */
export interface Progress {
  readonly profileId: string;
  readonly showId: string;
  readonly episodeId?: string;
  readonly positionSeconds: number;
  readonly durationSeconds: number;
  readonly state: 'playing' | 'paused' | 'ended';
  readonly deviceId: string;
  readonly deviceName?: string;
  /** When the device was at this position, ISO 8601. */
  readonly at: string;
}

/** Autoplay started this many episodes in a row. The app should ask whether anybody is still watching. */
export interface StillWatching {
  readonly showId: string;
  readonly episodes: number;
}

/** One event of a digest; the whole event is in the state, under its key. */
export interface DigestItem {
  readonly id: string;
  readonly type: string;
  readonly key: string;
  readonly at: string;
  /** Items of the same group stand together. */
  readonly group?: string;
  readonly title?: string;
  readonly text?: string;
}

/** What happened since the last digest. `count` includes events that are not among the `items`; there are more if it is not counted. */
export interface DigestReady {
  readonly digest: string;
  /** A date in the user's time zone. */
  readonly localDate: string;
  readonly title: string;
  readonly body: string;
  readonly count: number;
  readonly isCounted: boolean;
  readonly items: readonly DigestItem[];
}

/** What a campaign has to say. `title` and `body` are left out when its template has no words for pushes. */
export interface CampaignMessage {
  readonly campaign: string;
  readonly template: { readonly name: string; readonly version: number };
  /** What the template was filled in with. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly title?: string;
  readonly body?: string;
  /** Of a campaign to everyone: its words in further languages, by their tags (`de`, `pt-BR`). */
  readonly locales?: Readonly<Record<string, { readonly title: string; readonly body: string }>>;
  /** It was sent to try the campaign. */
  readonly isTest?: true;
}

/** The version of a front page. It grows with each one. Numbers compare as numbers, texts (`2026-11-20`) as texts. */
export type PageVersion = number | string;

/** A new front page: its first items, and the URL of the whole page. */
export interface RecommendationsReady {
  readonly profileId: string;
  readonly version: PageVersion;
  readonly items: readonly unknown[];
  readonly url: string;
}

/** The user's current front page. `items` and `url` are set once its event was received. */
export type FrontPage = Pick<RecommendationsReady, 'profileId' | 'version'> & Partial<RecommendationsReady>;

/** A person saw these events on another device of the user. */
export interface ReceiptsChanged {
  readonly ids: readonly string[];
  readonly state: 'seen';
}

/**
 * The events that Usher itself sends, by type. An app adds the events that its own back office publishes here, and its
 * listeners are typed too:
 *
 * ```ts
 * declare module '@usher/client' {
 *   interface UsherEvents { 'party.invited': { partyId: string } }
 * }
 * ```
 */
export interface UsherEvents {
  'membership.changed': MembershipChanged;
  'stream.stop': StreamStop;
  'playback.progress': Progress;
  'playback.still_watching': StillWatching;
  'recommendations.ready': RecommendationsReady;
  'receipts.changed': ReceiptsChanged;
  'digest.ready': DigestReady;
  'campaign.message': CampaignMessage;
}
