import type { Capabilities } from '../../membership/membership.js';

/** What a lease says besides its times (CONTRACT §3). */
export interface LeaseClaims {
  readonly sub: string;
  readonly sid: string;
  readonly did: string;
  readonly ver: number;
  readonly cap: Capabilities;
}

/** What a lease may not outlive, in ms: a membership that is to end, an outage's grace. */
export type LeaseBounds = readonly (number | undefined)[];

/**
 * The lease's times in whole seconds, as JWT has them; undefined when it would be over at once. Rounded down: a lease never
 * lives longer than LEASE_SECONDS.
 */
export function leaseTimes(
  now: number,
  leaseSeconds: number,
  bounds: LeaseBounds = [],
): { readonly iat: number; readonly exp: number } | undefined {
  const until = Math.min(
    now + leaseSeconds * 1_000,
    ...bounds.filter((bound): bound is number => bound !== undefined),
  );
  const exp = Math.floor(until / 1_000);
  return exp * 1_000 > now ? { iat: Math.floor(now / 1_000), exp } : undefined;
}
