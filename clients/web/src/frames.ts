import { parsePosition, type Position } from './cursor.js';
import { isDurable, parseEnvelope, type Envelope } from './envelope.js';
import type { UserState } from './state.js';
import {
  isEntitlement,
  isFrontPage,
  isMembership,
  isOffset,
  isProgress,
  isRecord,
  isSeconds,
} from './validation.js';

/** The names of the server's frames that are not events (docs/CONTRACT.md, "From the server"). */
export const FRAMES = {
  welcome: 'welcome',
  snapshot: 'snapshot',
  goaway: 'goaway',
  tokenExpiring: 'token.expiring',
} as const;

/** The most bytes of a frame from a device. The server closes the connection for a greater one (docs/CONTRACT.md, "The device socket"). */
export const MAX_FRAME_BYTES = 16_384;
/** Socket.IO's packet type and acknowledgement id around a message, in bytes: `42` and up to 10 digits. */
const OVERHEAD_BYTES = 12;

/** Returns how many bytes a message has as a frame, at most. */
export function byteLength(name: string, payload: unknown): number {
  return OVERHEAD_BYTES + new TextEncoder().encode(JSON.stringify([name, payload])).length;
}

/** The first frame of a connection, and of the response to a `sync`. */
export interface Welcome {
  readonly userId: string;
  /** The newest position of the user's mailbox. */
  readonly position: Position;
  /** What follows: the missed events, or the whole state. */
  readonly resume: 'replay' | 'snapshot';
  readonly heartbeatSeconds: number;
  readonly serverTime: unknown;
}

/** Returns the welcome in `value`, or undefined if it cannot be read. */
export function parseWelcome(value: unknown): Welcome | undefined {
  const position = parsePosition(value);
  if (!isRecord(value) || typeof value['userId'] !== 'string' || !position) return undefined;
  const { resume, heartbeatSeconds, serverTime } = value;
  return {
    userId: value['userId'],
    position,
    resume: resume === 'replay' ? 'replay' : 'snapshot',
    heartbeatSeconds: isSeconds(heartbeatSeconds) ? heartbeatSeconds : 60,
    serverTime,
  };
}

/** A snapshot, or one page of it. */
export interface Snapshot {
  /** Up to where its entries go. */
  readonly position: Position;
  /** Another page follows, which has only entries. */
  readonly hasMore: boolean;
  readonly state: UserState;
}

/** Returns the snapshot, or the page of one, in `value`. Undefined if there is no position. */
export function parseSnapshot(value: unknown): Snapshot | undefined {
  if (!isRecord(value)) return undefined;
  const position = parsePosition(value['position']);
  if (!position) return undefined;
  const entries = toArray(value['entries'])
    .map(parseEnvelope)
    .filter((entry): entry is Envelope => !!entry && isDurable(entry));
  const state: UserState = {
    membership: isMembership(value['membership']) ? value['membership'] : undefined,
    entitlement: isEntitlement(value['entitlement']) ? value['entitlement'] : undefined,
    playback: toArray(value['playback']).filter(isProgress),
    recommendations: toArray(value['recommendations']).filter(isFrontPage),
    entries,
  };
  return { position, hasMore: value['hasMore'] === true, state };
}

/** Returns how long a `goaway` asks the device to stay away, in ms. */
export function parseRetryAfterMs(value: unknown): number {
  return isRecord(value) && isOffset(value['retryAfterMs']) ? value['retryAfterMs'] : 0;
}

/** True if a `goaway` says that a newer connection of the same device replaced this one. */
export function isSuperseded(value: unknown): boolean {
  return isRecord(value) && value['reason'] === 'superseded';
}

function toArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
