import type { Envelope } from './envelope.js';
import type { Entitlement, FrontPage, Membership, PageVersion, Progress } from './events.js';
import { isFrontPage, isMembership, isProgress } from './rows.js';

/** What the server knows about the user, as far as this device has heard. Never changed in place. */
export interface Mirror {
  readonly membership: Membership | undefined;
  readonly entitlement: Entitlement | undefined;
  /** The newest position per profile and show, newest first. */
  readonly playback: readonly Progress[];
  /** The newest version per profile. */
  readonly recommendations: readonly FrontPage[];
  /** The newest durable event per key, in offset order. */
  readonly entries: readonly Envelope[];
}

/** As many as the server's own state carries. Events without a key of their own supersede nothing and would pile up. */
export const MOST_ENTRIES = 1_000;

export const BLANK: Mirror = {
  membership: undefined,
  entitlement: undefined,
  playback: [],
  recommendations: [],
  entries: [],
};

/** The mirror after one event. Durable events come in order (the gap rule sees to it); routine ones in any. */
export function fold(mirror: Mirror, event: Envelope): Mirror {
  const next = event.offset === undefined ? mirror : { ...mirror, entries: withEntry(mirror.entries, event) };
  switch (event.type) {
    case 'membership.changed':
      return isMembership(event.data) ? withMembership(next, event.data) : next;
    case 'playback.progress':
      return isProgress(event.data) ? withProgress(next, event.data) : next;
    case 'recommendations.ready':
      return isFrontPage(event.data) ? withFrontPage(next, event.data) : next;
    default:
      return next;
  }
}

/**
 * The mirror after a snapshot: it replaces everything, but nothing that carries its own version or time falls behind
 * what this device already acted on, since a snapshot may have been read before the event that overtook it.
 */
export function adopt(before: Mirror, snapshot: Mirror): Mirror {
  const shows = new Set(snapshot.playback.map(showOf));
  const profiles = new Set(snapshot.recommendations.map((page) => page.profileId));
  const kept: Mirror = {
    ...before,
    playback: before.playback.filter((row) => shows.has(showOf(row))),
    recommendations: before.recommendations.filter((page) => profiles.has(page.profileId)),
    entries: [],
  };
  let next = [...snapshot.entries].sort(byOffset).reduce(fold, kept);
  for (const row of snapshot.playback) next = withProgress(next, row);
  for (const page of snapshot.recommendations) next = withFrontPage(next, page);
  return withNewer(next, snapshot.membership, snapshot.entitlement);
}

/** Newest `at` wins; at the same instant the greater deviceId, so that every device decides alike. */
export function withProgress(mirror: Mirror, row: Progress): Mirror {
  const known = mirror.playback.find((each) => showOf(each) === showOf(row));
  if (known && byTime(row, known) <= 0) return mirror;
  const others = mirror.playback.filter((each) => each !== known);
  return { ...mirror, playback: [...others, row].sort((a, b) => byTime(b, a)) };
}

function withMembership(mirror: Mirror, membership: Membership): Mirror {
  const { version, status, planId, capabilities } = membership;
  return withNewer(mirror, membership, { version, status, planId, capabilities });
}

function withNewer(mirror: Mirror, membership?: Membership, entitlement?: Entitlement): Mirror {
  return {
    ...mirror,
    membership: newer(mirror.membership, membership),
    entitlement: newer(mirror.entitlement, entitlement),
  };
}

/**
 * Promise 2 of the contract: the version only grows, and nobody acts on a lower one. The same version again is taken:
 * what a plan allows may have been corrected without a new one.
 */
function newer<Row extends { readonly version: number }>(
  known: Row | undefined,
  row: Row | undefined,
): Row | undefined {
  return row && row.version >= (known?.version ?? 0) ? row : known;
}

function withFrontPage(mirror: Mirror, page: FrontPage): Mirror {
  const known = mirror.recommendations.find((each) => each.profileId === page.profileId);
  // The same version again may bring the items that a snapshot leaves out.
  const order = known ? compareVersions(page.version, known.version) : 1;
  if (order < 0 || (order === 0 && !page.items)) return mirror;
  const others = mirror.recommendations.filter((each) => each !== known);
  return {
    ...mirror,
    recommendations: [...others, page].sort((a, b) => compare(a.profileId, b.profileId)),
  };
}

function withEntry(entries: readonly Envelope[], event: Envelope): readonly Envelope[] {
  const known = entries.find((each) => each.key === event.key);
  if (known && byOffset(known, event) >= 0) return entries;
  return [...entries.filter((each) => each !== known), event].sort(byOffset).slice(-MOST_ENTRIES);
}

const showOf = (row: Progress): string => JSON.stringify([row.profileId, row.showId]);
const byOffset = (a: Envelope, b: Envelope): number => (a.offset ?? 0) - (b.offset ?? 0);

function byTime(a: Progress, b: Progress): number {
  return Date.parse(a.at) - Date.parse(b.at) || compare(a.deviceId, b.deviceId);
}

/** As the server does: numbers as numbers, texts as texts, and a number after any text. */
function compareVersions(a: PageVersion, b: PageVersion): number {
  return typeof a === typeof b ? compare(a, b) : typeof a === 'number' ? 1 : -1;
}

function compare<Value extends string | number>(a: Value, b: Value): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
