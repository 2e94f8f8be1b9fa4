/** `host`, `host:port`, `[::1]:port` and nothing that could end a directive. */
const HOST = /^[\w.:[\]-]{1,255}$/;

/**
 * What the browser may do on the page: run and load only what this server gave it, and talk only to it. `host` is the
 * request's own: not every browser counts a WebSocket to the page's server as `'self'`.
 */
export function pageHeaders(host: string | undefined): Record<string, string> {
  const sockets = host !== undefined && HOST.test(host) ? ` ws://${host} wss://${host}` : '';
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self'${sockets}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'Content-Security-Policy': policy.join('; '),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Opener-Policy': 'same-origin',
  };
}
