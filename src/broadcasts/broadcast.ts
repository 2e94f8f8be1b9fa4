/** Broadcasts that may be in force at once: each device that connects for the first time is sent all of them. */
export const MAX_IN_FORCE = 100;

/** Bytes that their data may have together, as JSON: one page of a history (mailbox/position.ts). */
export const MAX_IN_FORCE_BYTES = 256 * 1024;

/** A broadcast is in force for so many days unless it says otherwise. */
const DEFAULT_DAYS = 7;
/** Days that a broadcast may be in force. */
export const MAX_DAYS = 30;

/** What became of a broadcast. Only one that is in force is sent. */
export const BROADCAST_STATES = ['in_force', 'superseded', 'withdrawn', 'expired'] as const;
/** One of BROADCAST_STATES. */
export type BroadcastState = (typeof BROADCAST_STATES)[number];

/** A broadcast that is in force: an event for everyone. */
export interface Broadcast {
  /** Its place in the log; greater than that of every broadcast that was committed before. */
  readonly number: number;
  readonly id: string;
  readonly type: string;
  /** It supersedes the broadcast of this key; null: it supersedes nothing. */
  readonly key: string | null;
  readonly data: unknown;
  /** One user in so many is counted; 1: everyone. */
  readonly sample: number;
  /** When it was published and when it expires, ISO 8601. */
  readonly at: string;
  readonly expiresAt: string;
}

/** How far a device has read the log of broadcasts. A number means nothing in another epoch, the identity of another database. */
export interface BroadcastPosition {
  readonly epoch: string;
  readonly number: number;
}

/** How much is in force. */
export interface BroadcastUsage {
  readonly count: number;
  /** Of their data. */
  readonly bytes: number;
}

/** Returns why a broadcast with so much data cannot come into force as well; undefined if it can. */
export function faultOf({ count, bytes }: BroadcastUsage, more: number): string | undefined {
  if (count >= MAX_IN_FORCE) return `There may be ${MAX_IN_FORCE} broadcasts in force.`;
  if (bytes + more > MAX_IN_FORCE_BYTES)
    return `The data of all broadcasts in force may have ${MAX_IN_FORCE_BYTES} bytes.`;
  return undefined;
}

const DAY_MS = 86_400_000;

/** Returns when a broadcast that is published at `now` (ms) expires. Undefined for a time that is too late. */
export function expiryOf(expiresAt: string | undefined, now: number): Date | undefined {
  if (expiresAt === undefined) return new Date(now + DEFAULT_DAYS * DAY_MS);
  const at = Date.parse(expiresAt);
  return at > now + MAX_DAYS * DAY_MS ? undefined : new Date(at);
}
