/** How long a call may take, in milliseconds. */
const DEADLINE_MS = 15_000;

/** A refusal of Usher's API (`application/problem+json`), or that it could not be reached: `code` is then `unreachable`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId?: string,
  ) {
    super(message);
  }
}

/** A call of Usher's API. */
export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  /** Why the person does it: kept in the audit log. */
  readonly reason?: string;
  readonly signal?: AbortSignal;
}

/**
 * Makes a call with the session of the page. Returns the parsed body; undefined for 204. Throws ApiError. The header X-Usher-Console says
 * that the call comes from this page, and not from one of another site.
 */
export async function call<T>(path: string, { method = 'GET', body, reason, signal }: Call = {}): Promise<T> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const response = await fetch(path, {
    method,
    headers: {
      'X-Usher-Console': '1',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(reason !== undefined && { 'Usher-Reason': encodeReason(reason) }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    cache: 'no-store',
    signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'unreachable', 'Usher does not respond.');
  });
  if (response.status === 204) return undefined as T;
  const parsed: unknown = await response.json().catch(() => undefined);
  if (response.ok) return parsed as T;
  throw toError(response.status, parsed);
}

/** Headers hold ASCII alone (RFC 8187). */
const encodeReason = (reason: string): string =>
  `UTF-8''${encodeURIComponent(reason.replaceAll(/\s+/g, ' ').trim())}`;

function toError(status: number, problem: unknown): ApiError {
  const { code, detail, requestId } = (problem ?? {}) as Record<string, string | undefined>;
  return new ApiError(status, code ?? 'internal', detail ?? `Usher returned ${status}.`, requestId);
}

/** A part of a path. */
export const segment = (text: string): string => encodeURIComponent(text);
