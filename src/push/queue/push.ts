import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import type { PushAddress } from '../../devices/push-address.schema.js';
import { Topic } from '../../platform/events/topic.js';
import type { DurableTier } from '../../platform/tiers.js';
import type { PushMessage } from '../providers/push-message.js';

/** Pushes of this tier were queued: a hint that saves this process the wait for its next look at the table. */
export const pushesQueued = new Topic<DurableTier>('push.queued');

/** One event for one device that did not receive it, with all that decides whether it is sent (claim-pushes.sql). */
export interface Push {
  readonly userId: string;
  readonly deviceId: string;
  readonly eventId: string;
  readonly key: string;
  readonly type: string;
  readonly tier: DurableTier;
  readonly epoch: string;
  readonly offset: number;
  /** `clear` removes what a former push has shown. */
  readonly action: 'show' | 'clear';
  /** How often it was sent to the provider before. */
  readonly attempts: number;
  readonly expiresAt: Date;
  /** The device's push address; null when it has none any more. */
  readonly target: PushAddress | null;
  readonly locale: string | null;
  readonly timezone: string | null;
  /** Whether the device was not seen for STALE_AFTER_DAYS. */
  readonly stale: boolean;
  /** Whether a newer event with the same key has replaced this one. */
  readonly superseded: boolean;
  readonly data: unknown;
  readonly preferences: Preferences | null;
  /** How far the event got on this device: 0, or the rank of its receipt, 1 to 4 (delivery/receipts/receipt.ts). */
  readonly rank: number;
  /** How far it got on the user's other devices, at most. */
  readonly rankElsewhere: number;
  /** How many other events are on this device's screen that nobody has seen. */
  readonly unseen: number;
}

/** A push that is to be sent, and its message. */
export interface PreparedPush {
  readonly push: Push;
  readonly message: PushMessage;
}

/** What can become of a push. `gone`: the push address was unregistered. */
export const PUSH_STATES = [
  'queued',
  'delivered',
  'cleared',
  'withdrawn',
  'expired',
  'gone',
  'failed',
] as const;
/** One of PUSH_STATES. */
export type PushState = (typeof PUSH_STATES)[number];

/** What became of a push. */
export interface PushSettlement {
  readonly state: PushState;
  readonly reason?: string | undefined;
  /** When a queued push is due again, in ms from now. */
  readonly dueInMs?: number | undefined;
  /** Whether it was sent to the provider, as a number to add to its attempts. */
  readonly tried: 0 | 1;
}
