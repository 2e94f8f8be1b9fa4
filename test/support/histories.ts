/** Of the 90 seconds that a test may take. */
const LIMIT_MS = 60_000;

/**
 * Returns fast-check's options for a property over nodes or databases: `most` histories, or as many as a busy machine has time for. One is
 * always tried to its end.
 */
export const histories = (most: number): { numRuns: number; interruptAfterTimeLimit: number } => ({
  numRuns: most,
  interruptAfterTimeLimit: LIMIT_MS,
});
