import { isRecord } from './envelope.js';

/**
 * Anything that Usher refused or that could not be done. `code` is stable and meant for programs.
 * The client itself uses `timeout`, `offline`, `closed`, `token_unavailable` and `protocol`; all others are the server's.
 */
export class UsherError extends Error {
  override readonly name = 'UsherError';
  readonly code: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** How long the server asks to wait before trying again. */
  readonly retryAfterMs?: number;

  constructor(code: string, message: string, retryable: boolean, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}

/** Reads `{ code, message, retryable, retryAfterMs? }` as the server writes it; undefined if it is not that. */
export function readError(value: unknown): UsherError | undefined {
  if (!isRecord(value) || typeof value['code'] !== 'string') return undefined;
  const { code, message, retryable, retryAfterMs } = value;
  return new UsherError(
    code,
    typeof message === 'string' ? message : code,
    retryable !== false, // to stop for good needs a clear word
    typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
  );
}

/** Whether a new token could cure this refusal. */
export function isAboutToken(error: UsherError): boolean {
  return error.code.startsWith('token_') || error.code === 'unauthorized' || error.code === 'unauthenticated';
}

/** Anything thrown, as an UsherError. */
export function toUsherError(cause: unknown, code: string): UsherError {
  if (cause instanceof UsherError) return cause;
  return new UsherError(code, cause instanceof Error ? cause.message : String(cause), true);
}
