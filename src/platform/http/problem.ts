/**
 * Every error that a caller can get, by its code. `retryable`: the same request may succeed later, unchanged. Codes are part of
 * the contract: they may be added, never renamed.
 */
export const PROBLEMS = {
  invalid_request: { status: 400, title: 'The request is not valid', retryable: false },
  malformed_json: { status: 400, title: 'The body is not JSON', retryable: false },
  too_deep: { status: 400, title: 'The JSON is nested too deeply', retryable: false },
  payload_too_large: { status: 413, title: 'The body is too large', retryable: false },
  unsupported_media_type: {
    status: 415,
    title: 'This content type or encoding is not understood',
    retryable: false,
  },
  unauthorized: { status: 401, title: 'No valid credentials were given', retryable: false },
  token_missing: { status: 401, title: 'A user token is needed', retryable: false },
  token_invalid: { status: 401, title: 'The user token is not valid', retryable: false },
  token_expired: { status: 401, title: 'The user token has expired', retryable: false },
  token_revoked: { status: 401, title: 'The user token was revoked; sign in again', retryable: false },
  forbidden: { status: 403, title: 'The key lacks the scope that this call needs', retryable: false },
  origin_forbidden: { status: 403, title: 'This origin may not connect', retryable: false },
  not_entitled: { status: 403, title: 'The membership does not allow this', retryable: false },
  not_found: { status: 404, title: 'There is no such thing', retryable: false },
  method_not_allowed: { status: 405, title: 'This method is not allowed here', retryable: false },
  request_timeout: { status: 408, title: 'The request did not arrive in time', retryable: true },
  conflict: { status: 409, title: 'This conflicts with what is there', retryable: false },
  too_many_streams: { status: 409, title: 'All streams that the plan allows are running', retryable: false },
  price_taken: { status: 409, title: 'The price belongs to another plan', retryable: false },
  illegal_change: { status: 409, title: 'The membership cannot be changed like this', retryable: false },
  change_pending: {
    status: 409,
    title: 'The processor has not answered an earlier change yet',
    retryable: true,
  },
  change_refused: { status: 409, title: 'The payment processor refused the change', retryable: false },
  illegal_move: { status: 409, title: 'The state of the campaign does not allow this', retryable: false },
  same_person: {
    status: 403,
    title: 'A campaign is approved by another person than its author',
    retryable: false,
  },
  idempotency_in_progress: {
    status: 409,
    title: 'The same call is still being carried out',
    retryable: true,
  },
  position_lost: {
    status: 410,
    title: 'This position cannot be resumed; read the state anew',
    retryable: false,
  },
  expectation_failed: { status: 417, title: 'This expectation cannot be met', retryable: false },
  misdirected: {
    status: 421,
    title: 'A node with another role answers this; see ROLES',
    retryable: true,
  },
  idempotency_mismatch: {
    status: 422,
    title: 'The Idempotency-Key was used with another body',
    retryable: false,
  },
  unknown_plan: { status: 422, title: 'There is no such plan', retryable: false },
  unknown_device: { status: 422, title: 'The user has no such device', retryable: false },
  unknown_event: { status: 422, title: 'This device was sent no such event', retryable: false },
  reserved_type: { status: 422, title: 'Only Usher itself may send events of this type', retryable: false },
  reserved_key: { status: 422, title: 'Only events of Usher itself have this key', retryable: false },
  unknown_template: { status: 422, title: 'There is no such template', retryable: false },
  template_invalid: { status: 422, title: 'The template cannot be published', retryable: false },
  template_data_invalid: {
    status: 422,
    title: 'The data does not fit the schema of the template',
    retryable: false,
  },
  too_many_buckets: {
    status: 422,
    title: 'The answer would have more buckets than are given at once',
    retryable: false,
  },
  not_kept: { status: 422, title: 'What is that old is not kept in such detail', retryable: false },
  rate_limited: { status: 429, title: 'Too many requests', retryable: true },
  headers_too_large: { status: 431, title: 'The headers are too large', retryable: false },
  signature_invalid: { status: 400, title: 'The signature does not fit the body', retryable: false },
  signature_stale: { status: 400, title: 'The signature is too old, or from the future', retryable: false },
  not_configured: { status: 501, title: 'This is not configured here', retryable: false },
  draining: { status: 503, title: 'This node is being stopped; another one is ready', retryable: true },
  overload: { status: 503, title: 'Too many devices connect at once', retryable: true },
  unavailable: { status: 503, title: 'This cannot be done at the moment', retryable: true },
  internal: { status: 500, title: 'Something went wrong on our side', retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>;

/** The stable code of an error. */
export type ProblemCode = keyof typeof PROBLEMS;

/**
 * An expected error, to be sent to the caller. `detail` is for people and never holds a secret; `extensions` are further
 * members of the response (RFC 9457, section 3.2).
 */
export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly detail: string = PROBLEMS[code].title,
    readonly extensions: Record<string, unknown> = {},
  ) {
    super(detail);
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** Returns the error in the form that devices get on the socket. */
  toSocketError(): { code: ProblemCode; message: string; retryable: boolean; retryAfterMs?: number } {
    const { retryAfterMs } = this.extensions;
    return {
      code: this.code,
      message: this.detail,
      retryable: PROBLEMS[this.code].retryable,
      ...(typeof retryAfterMs === 'number' && { retryAfterMs }),
    };
  }

  /** Returns the members of an `application/problem+json` response (RFC 9457) that do not depend on the request, see problemBody. */
  toJSON(): Record<string, unknown> {
    const { status, title, retryable } = PROBLEMS[this.code];
    return {
      title,
      status,
      code: this.code,
      detail: this.detail,
      retryable,
      ...this.extensions,
    };
  }
}
