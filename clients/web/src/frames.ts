import { isNumbered, isOffset, isRecord, readEnvelope, type Envelope } from './envelope.js';
import type { Mirror } from './mirror.js';
import { readPosition } from './position.js';
import { isEntitlement, isFrontPage, isMembership, isProgress } from './rows.js';
import type { Position } from './sequence.js';

/** What the server sends that is no event. */
export const FRAMES = {
  welcome: 'welcome',
  snapshot: 'snapshot',
  goaway: 'goaway',
  tokenExpiring: 'token.expiring',
} as const;

/** The first frame of a connection, and of the answer to a `sync`. */
export interface Welcome {
  readonly userId: string;
  readonly position: Position;
  readonly resume: 'replay' | 'snapshot';
  readonly heartbeatSeconds: number;
  readonly serverTime: unknown;
}

export function readWelcome(value: unknown): Welcome | undefined {
  const position = readPosition(value);
  if (!isRecord(value) || typeof value['userId'] !== 'string' || !position) return undefined;
  const beat = value['heartbeatSeconds'];
  return {
    userId: value['userId'],
    position,
    resume: value['resume'] === 'replay' ? 'replay' : 'snapshot',
    heartbeatSeconds: isSeconds(beat) ? beat : 60,
    serverTime: value['serverTime'],
  };
}

/** What `/v1/me/state` gives, split into the state and the position that it stands for. */
export function readSnapshot(value: unknown): { position: Position; mirror: Mirror } | undefined {
  if (!isRecord(value)) return undefined;
  const position = readPosition(value['position']);
  if (!position) return undefined;
  const entries = list(value['entries'])
    .map(readEnvelope)
    .filter((each): each is Envelope => !!each && isNumbered(each));
  const mirror: Mirror = {
    membership: isMembership(value['membership']) ? value['membership'] : undefined,
    entitlement: isEntitlement(value['entitlement']) ? value['entitlement'] : undefined,
    playback: list(value['playback']).filter(isProgress),
    recommendations: list(value['recommendations']).filter(isFrontPage),
    entries,
  };
  return { position, mirror };
}

/** How long a `goaway` asks to stay away. */
export function readRetryAfter(value: unknown): number {
  return isRecord(value) && isOffset(value['retryAfterMs']) ? value['retryAfterMs'] : 0;
}

/** Whether a `goaway` says that a newer connection took this device's place. */
export const isSuperseded = (value: unknown): boolean => isRecord(value) && value['reason'] === 'superseded';

/** A span that a timer can be set to. */
export function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= 86_400;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
