/**
 * Why a lease is refused. `malformed`: it cannot be read. `forged`: Usher did not sign it. `stale`: the user's membership is
 * newer than the lease. `stopped`: its stream was stopped. `unverifiable`: the keys could not be fetched; try again.
 */
export type LeaseFault = 'malformed' | 'forged' | 'expired' | 'stale' | 'stopped' | 'unverifiable';

/** A lease that must not be served. */
export class LeaseRefused extends Error {
  constructor(
    readonly fault: LeaseFault,
    options?: ErrorOptions,
  ) {
    super(`the lease is ${fault}`, options);
    this.name = 'LeaseRefused';
  }
}

/** The code of Usher's refusal (`not_entitled`, `too_many_streams`, …), `unreachable`, or `closed` once this node was closed. */
export type EdgeErrorCode = string;

/** Usher refused a request, or could not be reached. */
export class EdgeError extends Error {
  constructor(
    readonly code: EdgeErrorCode,
    /** True if the same request may succeed later. */
    readonly retryable: boolean,
    /** The other fields of the problem, such as `streams` of `too_many_streams`. */
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(code, options);
    this.name = 'EdgeError';
  }
}
