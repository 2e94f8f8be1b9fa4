/** A vendor that says more than this is not believed: a wrong header must not silence it for weeks. */
const MAX_MS = 86_400_000;

/** The milliseconds of a `Retry-After`, which is seconds or a date (RFC 9110 §10.2.3); undefined when it says nothing. */
export function retryAfterMs(header: unknown, now: number): number | undefined {
  const said: unknown = Array.isArray(header) ? header[0] : header;
  if (typeof said !== 'string' || said.trim() === '') return undefined;
  const ms = /^\d+$/.test(said.trim()) ? Number(said) * 1_000 : Date.parse(said) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_MS);
}
