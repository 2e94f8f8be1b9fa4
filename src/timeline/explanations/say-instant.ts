/** Returns ` at 2026-11-20 08:47:46 UTC`; nothing for null. */
export const at = (iso: string | null): string =>
  iso === null ? '' : ` at ${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
