/**
 * Milliseconds since this process started, by a clock that never steps: for durations, rates and deadlines within the process. The
 * time of day (`Date.now()`) may be set back by ten seconds, which would stop every rate limit and timeout for as long; it is only
 * for instants that others read.
 */
export const monotonicNow = (): number => performance.now();
