/** Failures in a row after which a campaign waits for people: with these delays, after some three minutes. */
export const MAX_FAILURES = 8;
const MAX_DELAY_SECONDS = 60;

/** Returns after how many seconds a campaign is tried again, or undefined after too many failures in a row. */
export const retryDelay = (failures: number): number | undefined =>
  failures < MAX_FAILURES ? Math.min(MAX_DELAY_SECONDS, 2 ** failures) : undefined;
