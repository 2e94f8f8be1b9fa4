import type { Envelope } from './envelope.js';
import type { Entitlement, FrontPage, Membership, PageVersion, Progress } from './events.js';
import type { UserState } from './state.js';
import { isFrontPage, isMembership, isProgress } from './validation.js';

/**
 * The size of `entries`, the same as in the server's state (docs/CONTRACT.md, "GET /v1/me/state"). Without a limit, events
 * that supersede nothing would pile up.
 */
export const MAX_ENTRIES = 1_000;

/** Returns the state after one event. Durable events must come in order, routine ones may come in any. */
export function applyEvent(state: UserState, event: Envelope): UserState {
  const next = event.offset === undefined ? state : { ...state, entries: addEntry(state.entries, event) };
  switch (event.type) {
    case 'membership.changed':
      return isMembership(event.data) ? applyMembership(next, event.data) : next;
    case 'playback.progress':
      return isProgress(event.data) ? applyProgress(next, event.data) : next;
    case 'recommendations.ready':
      return isFrontPage(event.data) ? applyFrontPage(next, event.data) : next;
    default:
      return next;
  }
}

/**
 * Returns the state after a snapshot. The snapshot replaces everything, except for rows with a newer version or time on this
 * device: the server may have read the snapshot before the event that this device already applied.
 */
export function applySnapshot(state: UserState, snapshot: UserState): UserState {
  const shows = new Set(snapshot.playback.map(showKey));
  const profiles = new Set(snapshot.recommendations.map((page) => page.profileId));
  const kept: UserState = {
    ...state,
    playback: state.playback.filter((row) => shows.has(showKey(row))),
    recommendations: state.recommendations.filter((page) => profiles.has(page.profileId)),
    entries: [],
  };
  let next = [...snapshot.entries].sort(byOffset).reduce(applyEvent, kept);
  for (const row of snapshot.playback) next = applyProgress(next, row);
  for (const page of snapshot.recommendations) next = applyFrontPage(next, page);
  return applyVersions(next, snapshot.membership, snapshot.entitlement);
}

/**
 * Returns the state with this playback position, unless a newer one is known. Of two with the same `at` the greater device id
 * wins, so that all devices decide alike (docs/CONTRACT.md, "Playback rules").
 */
export function applyProgress(state: UserState, row: Progress): UserState {
  const known = state.playback.find((each) => showKey(each) === showKey(row));
  if (known && byTime(row, known) <= 0) return state;
  const others = state.playback.filter((each) => each !== known);
  return { ...state, playback: [...others, row].sort((a, b) => byTime(b, a)) };
}

function applyMembership(state: UserState, membership: Membership): UserState {
  const { version, status, planId, capabilities } = membership;
  return applyVersions(state, membership, { version, status, planId, capabilities });
}

function applyVersions(state: UserState, membership?: Membership, entitlement?: Entitlement): UserState {
  return {
    ...state,
    membership: newest(state.membership, membership),
    entitlement: newest(state.entitlement, entitlement),
  };
}

/**
 * Versions only grow, and a device must never act on a lower one than it knows. The same version again replaces the known one:
 * a snapshot may carry corrected capabilities without a new version.
 */
function newest<Row extends { readonly version: number }>(
  known: Row | undefined,
  row: Row | undefined,
): Row | undefined {
  return row && row.version >= (known?.version ?? 0) ? row : known;
}

function applyFrontPage(state: UserState, page: FrontPage): UserState {
  const known = state.recommendations.find((each) => each.profileId === page.profileId);
  const order = known ? compareVersions(page.version, known.version) : 1;
  // The same version again may bring the items, which a snapshot leaves out.
  if (order < 0 || (order === 0 && !page.items)) return state;
  const others = state.recommendations.filter((each) => each !== known);
  return {
    ...state,
    recommendations: [...others, page].sort((a, b) => compare(a.profileId, b.profileId)),
  };
}

function addEntry(entries: readonly Envelope[], event: Envelope): readonly Envelope[] {
  const known = entries.find((each) => each.key === event.key);
  if (known && byOffset(known, event) >= 0) return entries;
  const others = known ? entries.filter((each) => each !== known) : entries;
  const last = others.at(-1);
  const all = [...others, event];
  // Nearly every event is the newest. To sort a thousand entries took 40 µs.
  if (last && byOffset(last, event) > 0) all.sort(byOffset);
  return all.length > MAX_ENTRIES ? all.slice(-MAX_ENTRIES) : all;
}

const showKey = (row: Progress): string => JSON.stringify([row.profileId, row.showId]);
const byOffset = (a: Envelope, b: Envelope): number => (a.offset ?? 0) - (b.offset ?? 0);

function byTime(a: Progress, b: Progress): number {
  return Date.parse(a.at) - Date.parse(b.at) || compare(a.deviceId, b.deviceId);
}

/** The server's order: numbers as numbers, texts as texts, and every number after every text. */
function compareVersions(a: PageVersion, b: PageVersion): number {
  return typeof a === typeof b ? compare(a, b) : typeof a === 'number' ? 1 : -1;
}

function compare<Value extends string | number>(a: Value, b: Value): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
