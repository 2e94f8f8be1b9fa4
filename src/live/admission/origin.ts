/**
 * Whether a browser page of this origin may open a socket. `cors` does not stop WebSockets, so this is asked of every
 * request. Apps send no Origin. Exact matches only; the gateway's own pages may connect to it.
 */
export function originAllowed(
  { origin, host }: { readonly origin?: string | undefined; readonly host?: string | undefined },
  allowed: readonly string[],
): boolean {
  if (origin === undefined) return true;
  if (allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
