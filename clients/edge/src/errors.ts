/** Why a lease is not good: `stale` is of an older membership than is known, `stopped` of a stream that was stopped. */
export type LeaseFault = 'malformed' | 'forged' | 'expired' | 'stale' | 'stopped' | 'unverifiable';

/** A lease that must not be served. `unverifiable`: the keys could not be fetched, so nobody knows; try again. */
export class LeaseRefused extends Error {
  constructor(
    readonly fault: LeaseFault,
    options?: ErrorOptions,
  ) {
    super(`the lease is ${fault}`, options);
    this.name = 'LeaseRefused';
  }
}

/** A refusal's code as Usher gives it (`not_entitled`, `too_many_streams`, …), or `unreachable`. */
export type EdgeErrorCode = string;

/** Usher refused, or could not be reached. */
export class EdgeError extends Error {
  constructor(
    readonly code: EdgeErrorCode,
    readonly retryable: boolean,
    /** The problem's other fields, as `streams` of `too_many_streams`. */
    readonly more: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(code, options);
    this.name = 'EdgeError';
  }
}
