import type { Request } from 'express';
import type { Problem } from './problem.js';
import { requestIdOf } from './request-id.js';

/** The setting of the Express application that says where the documentation is: DOCS_URL. */
export const DOCS_URL_SETTING = 'docs url';

/**
 * Returns the body of the `application/problem+json` response to a request (RFC 9457): `type` is the address of the page that explains the
 * error, `requestId` the id by which the log knows the request.
 */
export const problemBody = (problem: Problem, request: Request): Record<string, unknown> => ({
  type: `${String(request.app.get(DOCS_URL_SETTING))}/errors#${problem.code}`,
  ...problem.toJSON(),
  requestId: requestIdOf(request),
});
