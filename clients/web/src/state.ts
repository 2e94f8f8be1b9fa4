import type { Mirror } from './mirror.js';
import type { Position } from './sequence.js';
import type { Connection } from './session.js';

/** Everything this device knows, as one value that is never changed in place: another value is a change. */
export interface State extends Mirror {
  readonly connection: Connection;
  /** How far this device has read. */
  readonly position: Position | undefined;
}

/** The same object for as long as nothing changed, so that a UI can compare by identity. */
export function view(
  before: State | undefined,
  mirror: Mirror,
  position: Position | undefined,
  connection: Connection,
): State {
  const samePlace =
    before?.position?.epoch === position?.epoch && before?.position?.offset === position?.offset;
  const { membership, entitlement, playback, recommendations, entries } = mirror;
  const sameMirror =
    before?.membership === membership &&
    before?.entitlement === entitlement &&
    before?.playback === playback &&
    before?.recommendations === recommendations &&
    before?.entries === entries;
  if (before && sameMirror && samePlace && before.connection === connection) return before;
  return Object.freeze({ ...mirror, position, connection });
}
