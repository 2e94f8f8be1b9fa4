/** What a browser sends with a request: the origin of its page, and the host that it asks. */
export interface PageHeaders {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
}

/** Whether a page of this origin may call and connect. Apps send no Origin. Exact matches only; the node's own pages may. */
export function isOriginAllowed({ origin, host }: PageHeaders, allowed: readonly string[]): boolean {
  if (origin === undefined || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** Whether the origin is a server on the very machine of the browser, whatever its port. */
export function isLocalOrigin(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname } = new URL(origin);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.localhost');
}
