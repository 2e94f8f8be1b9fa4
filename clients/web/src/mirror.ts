import type { Envelope } from './envelope.js';
import type { Entitlement, FrontPage, Membership, Progress } from './events.js';
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
  let next: Mirror = {
    ...snapshot,
    entries: [...snapshot.entries].sort(byOffset),
    playback: [],
    recommendations: [],
  };
  for (const row of snapshot.playback) next = withProgress(next, row);
  for (const page of snapshot.recommendations) next = withFrontPage(next, page);
  for (const entry of next.entries) next = fold(next, entry);
  for (const row of before.playback) if (shows.has(showOf(row))) next = withProgress(next, row);
  for (const page of before.recommendations)
    if (profiles.has(page.profileId)) next = withFrontPage(next, page);
  return withNewer(next, before.membership, before.entitlement);
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

/** Promise 2 of the contract: the version only grows, and nobody acts on a lower one. */
function withNewer(mirror: Mirror, membership?: Membership, entitlement?: Entitlement): Mirror {
  const newer = membership && membership.version > (mirror.membership?.version ?? -1);
  const may = entitlement && entitlement.version > (mirror.entitlement?.version ?? -1);
  if (!newer && !may) return mirror;
  return {
    ...mirror,
    membership: newer ? membership : mirror.membership,
    entitlement: may ? entitlement : mirror.entitlement,
  };
}

function withFrontPage(mirror: Mirror, page: FrontPage): Mirror {
  const known = mirror.recommendations.find((each) => each.profileId === page.profileId);
  // The same version again may bring the items that a snapshot leaves out.
  if (known && (page.version < known.version || (page.version === known.version && !page.items)))
    return mirror;
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

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
