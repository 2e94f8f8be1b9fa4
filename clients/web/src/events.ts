import type { Envelope } from './envelope.js';

/** What a plan lets a user do. */
export interface Capabilities {
  readonly streaming: boolean;
  readonly maxStreams: number;
  readonly maxQuality: string | number;
  readonly downloads: boolean;
  readonly ads: boolean;
}

export type MembershipStatus = 'none' | 'trialing' | 'active' | 'past_due' | 'paused' | 'canceled';

/** What the payment processor says the user pays for. `version` only grows. */
export interface Membership {
  readonly version: number;
  readonly status: MembershipStatus;
  readonly planId: string | null;
  readonly capabilities: Capabilities;
  readonly effectiveAt?: string;
  /** Set while an active membership is to end at the end of the paid period. */
  readonly cancelAt?: string | null;
  readonly reason?: string;
}

/** A membership after a change; one that never existed (`none`, version 0) has neither date nor reason. */
export interface MembershipChanged extends Membership {
  readonly effectiveAt: string;
  readonly reason: string;
}

/** What the user may do now; follows from the membership whose version it carries. */
export type Entitlement = Pick<Membership, 'version' | 'status' | 'planId' | 'capabilities'>;

/** This device must stop this stream. */
export interface StreamStop {
  readonly streamId: string;
  readonly reason: 'membership' | 'too_many_streams' | 'operator' | 'device_removed';
}

/** Where somebody is in a show. */
export interface Progress {
  readonly profileId: string;
  readonly showId: string;
  readonly episodeId?: string;
  readonly positionSeconds: number;
  readonly durationSeconds: number;
  readonly state: 'playing' | 'paused' | 'ended';
  readonly deviceId: string;
  readonly deviceName?: string;
  readonly at: string;
}

/** Autoplay has begun so many episodes in a row that somebody should be asked. */
export interface StillWatching {
  readonly showId: string;
  readonly episodes: number;
}

/** Grows from night to night: numbers compare as numbers, texts (as `2026-11-20`) as texts. */
export type PageVersion = number | string;

/** A new front page: its first items, and where all of it is. */
export interface RecommendationsReady {
  readonly profileId: string;
  readonly version: PageVersion;
  readonly items: readonly unknown[];
  readonly url: string;
}

/** A front page that the user has; `items` and `url` are there once its event was received. */
export type FrontPage = Pick<RecommendationsReady, 'profileId' | 'version'> & Partial<RecommendationsReady>;

/** These events were seen on another device of the user. */
export interface ReceiptsChanged {
  readonly ids: readonly string[];
  readonly state: 'seen';
}

/**
 * Every event that Usher itself sends. An app that publishes events of its own adds them here and gets
 * typed listeners for them too:
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
}

/** The envelope of an event type that is known by name. */
export type EventOf<Type extends keyof UsherEvents & string> = Envelope<UsherEvents[Type], Type>;
