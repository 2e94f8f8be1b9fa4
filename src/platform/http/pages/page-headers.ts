/** `host`, `host:port`, `[::1]:port` and nothing that could end a directive. */
const HOST = /^[\w.:[\]-]{1,255}$/;

/**
 * Returns the page's security headers: the browser may load from and connect to this server only. `host` is the
 * request's Host header, needed because not every browser counts a WebSocket to the page's server as `'self'`. `more`: what this page may besides.
 */
export function pageHeaders(host: string | undefined, more: readonly string[] = []): Record<string, string> {
  const webSockets = host !== undefined && HOST.test(host) ? ` ws://${host} wss://${host}` : '';
  const directives = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self'${webSockets}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...more,
  ];
  return {
    'Content-Security-Policy': directives.join('; '),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Opener-Policy': 'same-origin',
  };
}
