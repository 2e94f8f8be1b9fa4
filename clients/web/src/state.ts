import type { Position } from './cursor.js';
import type { Envelope } from './envelope.js';
import type { Entitlement, FrontPage, Membership, Progress } from './events.js';
import type { Connection } from './reconnecting-socket.js';

/** This device's copy of what `GET /v1/me/state` returns. Never changed in place. */
export interface UserState {
  readonly membership: Membership | undefined;
  readonly entitlement: Entitlement | undefined;
  /** The newest position of each profile and show, newest first. */
  readonly playback: readonly Progress[];
  /** The newest front page version of each profile. */
  readonly recommendations: readonly FrontPage[];
  /** The newest durable event of each key, in offset order. */
  readonly entries: readonly Envelope[];
}

/** Everything that this device knows. Never changed in place: a change makes another object. */
export interface State extends UserState {
  readonly connection: Connection;
  /** How far this device has read. */
  readonly position: Position | undefined;
}

/** The state before the first snapshot. */
export const EMPTY_STATE: UserState = {
  membership: undefined,
  entitlement: undefined,
  playback: [],
  recommendations: [],
  entries: [],
};

/** Returns the current state: the `previous` object as long as nothing changed, so that a UI can compare by identity. */
export function toState(
  previous: State | undefined,
  userState: UserState,
  position: Position | undefined,
  connection: Connection,
): State {
  const samePosition =
    previous?.position?.epoch === position?.epoch && previous?.position?.offset === position?.offset;
  const { membership, entitlement, playback, recommendations, entries } = userState;
  const sameUserState =
    previous?.membership === membership &&
    previous?.entitlement === entitlement &&
    previous?.playback === playback &&
    previous?.recommendations === recommendations &&
    previous?.entries === entries;
  if (previous && sameUserState && samePosition && previous.connection === connection) return previous;
  return Object.freeze({ ...userState, position, connection });
}
