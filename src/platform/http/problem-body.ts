import type { Request } from 'express';
import type { Problem } from './problem.js';
import { requestIdOf } from './request-id.js';

/** Returns the body of the `application/problem+json` response to a request (RFC 9457), with the id by which the log knows it. */
export const problemBody = (problem: Problem, request: Request): Record<string, unknown> => ({
  ...problem.toJSON(),
  requestId: requestIdOf(request),
});
