import { isRecord } from './validation.js';

/**
 * An error from Usher or from this client. `code` is stable and meant for programs.
 * The client uses `timeout`, `offline`, `closed`, `superseded`, `user_changed`, `goaway`, `storage`, `token_unavailable` and
 * `protocol`. All other codes come from the server (docs/CONTRACT.md, "Error codes").
 */
export class UsherError extends Error {
  override readonly name = 'UsherError';
  readonly code: string;
  /** True if the same request may succeed later. */
  readonly retryable: boolean;
  /** How long the server asks to wait before the next attempt, in ms. */
  readonly retryAfterMs?: number;

  constructor(code: string, message: string, retryable: boolean, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}

/** Returns the server's `{ code, message, retryable, retryAfterMs? }` as an error, or undefined if `value` is not one. */
export function parseError(value: unknown): UsherError | undefined {
  if (!isRecord(value) || typeof value['code'] !== 'string') return undefined;
  const { code, message, retryable, retryAfterMs } = value;
  return new UsherError(
    code,
    typeof message === 'string' ? message : code,
    retryable !== false, // the client stops for good only if the server says so explicitly
    typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
  );
}

/** Returns anything thrown as an UsherError; one that is none yet gets this code and is retryable. */
export function toUsherError(cause: unknown, code: string): UsherError {
  if (cause instanceof UsherError) return cause;
  return new UsherError(code, cause instanceof Error ? cause.message : String(cause), true);
}
