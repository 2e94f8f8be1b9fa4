export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** Returns the time so many milliseconds before now, as ISO 8601. */
export const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
