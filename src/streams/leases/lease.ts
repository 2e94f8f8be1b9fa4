import type { Capabilities } from '../../membership/membership.js';

/**
 * A lease's claims besides its times (docs/CONTRACT.md, "Streams and leases"): user, stream, device, membership
 * version, capabilities.
 */
export interface LeaseClaims {
  readonly sub: string;
  readonly sid: string;
  readonly did: string;
  readonly ver: number;
  readonly cap: Capabilities;
}

/**
 * Whether a slot is to be renewed: not while it has more than half of its life left. So calls and heartbeats together cost one write in half a
 * LEASE_SECONDS, and each still leads to a lease of half its length at least.
 */
export const isSlotDue = (leftMs: number, leaseSeconds: number): boolean =>
  leftMs <= (leaseSeconds * 1_000) / 2;

/**
 * Instants that a lease may not outlive, in ms since 1970: the end of the slot as it is in PostgreSQL, the end of the membership, the end of
 * an outage's grace.
 */
export type LeaseBounds = readonly (number | undefined)[];

/**
 * Returns a new lease's times in whole seconds since 1970, as JWT has them; undefined when it would expire at once.
 * `now` is in ms. Rounded down, so that a lease never lives longer than `leaseSeconds`.
 */
export function leaseTimes(
  now: number,
  leaseSeconds: number,
  bounds: LeaseBounds = [],
): { readonly iat: number; readonly exp: number } | undefined {
  const expiresAt = Math.min(
    now + leaseSeconds * 1_000,
    ...bounds.filter((bound): bound is number => bound !== undefined),
  );
  const exp = Math.floor(expiresAt / 1_000);
  return exp * 1_000 > now ? { iat: Math.floor(now / 1_000), exp } : undefined;
}
