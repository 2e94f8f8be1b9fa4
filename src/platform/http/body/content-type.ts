import type { Request } from 'express';
import { Problem } from '../problem.js';

/** What is read as JSON. */
export const JSON_TYPE = 'application/json';

/** A GET or HEAD with a body changes nothing, whatever its sender meant. */
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
/** A content type, as far as it may be repeated to the caller. */
const REPEATABLE = /^[\w.+/;= "-]{1,100}$/;

/**
 * Returns the Problem unsupported_media_type for a body that would be taken for none, since it is not sent as JSON; undefined if all is well. Without
 * it the caller would read of missing fields that were in the body, and a DELETE of one thing could delete all.
 */
export function contentTypeProblem(request: Request): Problem | undefined {
  const { 'content-length': length, 'content-type': given = '' } = request.headers;
  // `is` returns null for a request without a body; one with a length of 0 has none either.
  if (!WITH_BODY.has(request.method) || length === '0' || request.is(JSON_TYPE) !== false) return undefined;
  const received = REPEATABLE.test(given)
    ? `Content-Type is ${given}`
    : 'body has no Content-Type that is understood';
  return new Problem('unsupported_media_type', `The ${received}; this call needs application/json.`);
}
