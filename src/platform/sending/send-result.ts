/** What became of one message at its provider. Whoever sends must handle each kind. */
export type SendResult =
  /** The provider took it, and calls it `id` if it tells so. Whether it arrives, only a receipt tells. */
  | { readonly is: 'delivered'; readonly id?: string }
  /** The provider may take it later: after `afterMs`, if it named a time. */
  | { readonly is: 'retry'; readonly afterMs: number | undefined; readonly reason: string }
  /** No app is behind this address any more: since `since`, if the provider named a time. A later registration may be good. */
  | { readonly is: 'unregistered'; readonly since: Date | undefined; readonly reason: string }
  /** Our credentials or settings are wrong. An operator must act; the device is not at fault. */
  | { readonly is: 'misconfigured'; readonly reason: string }
  /** The provider will never take this message, for example because it is too large. */
  | { readonly is: 'rejected'; readonly reason: string };

/** The result of a message that the provider accepted. */
export const DELIVERED: SendResult = { is: 'delivered' };
/** Returns a `retry`; `afterMs` is the time that the provider named, in milliseconds. */
export const retry = (reason: string, afterMs?: number): SendResult => ({ is: 'retry', afterMs, reason });
/** Returns an `unregistered`; `since` is the time that the provider named. */
export const unregistered = (reason: string, since?: Date): SendResult => ({
  is: 'unregistered',
  since,
  reason,
});
/** Returns a `misconfigured`; the reason becomes a label of the metric `usher_push_misconfigured`. */
export const misconfigured = (reason: string): SendResult => ({ is: 'misconfigured', reason });
/** Returns a `rejected`. */
export const rejected = (reason: string): SendResult => ({ is: 'rejected', reason });

/** The codes that undici and Node give to a timeout. */
const TIMEOUT_CODES = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_ABORTED',
  'ABORT_ERR',
  'ETIMEDOUT',
]);
const MAX_CAUSES = 4;

/**
 * The result of a request that got no response: retry, since the message is as good as before. So is a certificate that cannot be
 * verified: it may be the provider's mistake, and a push that is dropped is lost. (If it stays broken the circuit opens, which operators
 * see.) The reason is the error's code and never its text, which may hold a push address.
 */
export function networkErrorResult(error: unknown): SendResult {
  const code = codeOf(error);
  return retry(TIMEOUT_CODES.has(code) ? 'deadline' : code);
}

function codeOf(error: unknown): string {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && typeof current === 'object' && current !== null; depth += 1) {
    const { code, name, cause } = current as { code?: unknown; name?: unknown; cause?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,50}$/.test(code)) return code;
    if (name === 'AbortError' || name === 'TimeoutError') return 'ABORT_ERR';
    current = cause;
  }
  return 'network';
}

/** A longer `Retry-After` is not believed: one wrong header must not stop pushes for weeks. */
const MAX_RETRY_AFTER_MS = 86_400_000;

/**
 * The milliseconds of a `Retry-After` header, which holds seconds or a date (RFC 9110 §10.2.3); undefined when there is none or it cannot
 * be read.
 *
 * @param now Unix time in milliseconds, to which a date is compared
 */
export function retryAfterMs(header: unknown, now: number): number | undefined {
  const value: unknown = Array.isArray(header) ? header[0] : header;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
