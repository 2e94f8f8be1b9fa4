import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import { Topic } from '../../platform/events/topic.js';
import type { DurableTier } from '../../platform/tiers.js';
import type { PushAddress, PushMessage, PushProvider } from '../providers/push-provider.js';

export type ProviderName = PushProvider['name'];
export const PROVIDERS = ['apns', 'fcm', 'webpush'] as const satisfies readonly ProviderName[];

/** The provider of each kind of push address. */
export const PROVIDER_OF_KIND: Readonly<Record<PushAddress['kind'], ProviderName>> = {
  apns: 'apns',
  fcm_token: 'fcm',
  fcm_fid: 'fcm',
  webpush: 'webpush',
};

/** Pushes of this tier were queued: a hint that saves this process the wait for its next look at the table. */
export const pushesQueued = new Topic<DurableTier>('push.queued');

/** One event for one device that did not get it, and all that decides whether it is pushed (claim.sql). */
export interface Push {
  readonly userId: string;
  readonly deviceId: string;
  readonly eventId: string;
  readonly key: string;
  readonly type: string;
  readonly tier: DurableTier;
  readonly epoch: string;
  readonly offset: number;
  /** `clear`: what was shown is to be taken away. */
  readonly action: 'show' | 'clear';
  /** How often a vendor was asked before. */
  readonly attempts: number;
  readonly expiresAt: Date;
  readonly push: PushAddress | null;
  readonly locale: string | null;
  readonly timezone: string | null;
  readonly stale: boolean;
  readonly superseded: boolean;
  readonly data: unknown;
  readonly preferences: Preferences | null;
  /** How far the event got on this device, and at most on the others: 0, or 1 to 4 (delivery/receipt.ts). */
  readonly own: number;
  readonly elsewhere: number;
  /** Other events on this device's screen that nobody has seen. */
  readonly shown: number;
}

/** A push that goes out, and how. */
export interface PreparedPush {
  readonly push: Push;
  readonly message: PushMessage;
}

/** What became of a push, as the table keeps it. */
export type PushState = 'queued' | 'delivered' | 'cleared' | 'withdrawn' | 'expired' | 'gone' | 'failed';

export interface PushSettlement {
  readonly state: PushState;
  readonly reason?: string | undefined;
  /** Of a queued one: when it is looked at again. */
  readonly dueInMs?: number | undefined;
  /** Whether a vendor was asked. */
  readonly tried: 0 | 1;
}
