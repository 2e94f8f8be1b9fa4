import type { Request } from 'express';
import type { Problem } from './problem.js';
import { requestIdOf } from './request-id.js';

/** The setting of the Express application that says where the documentation is: DOCS_URL. */
export const DOCS_URL_SETTING = 'docs url';

/**
 * Returns the body of an `application/problem+json` response (RFC 9457): `type` is the address of the page that explains the error, `requestId`
 * the id by which the log knows the request.
 */
export const explainedProblem = (
  problem: Problem,
  { docsUrl, requestId }: { readonly docsUrl: string; readonly requestId: string },
): Record<string, unknown> => ({
  type: `${docsUrl}/errors#${problem.code}`,
  ...problem.toJSON(),
  requestId,
});

/** The same, for a request that Express has. */
export const problemBody = (problem: Problem, request: Request): Record<string, unknown> =>
  explainedProblem(problem, {
    docsUrl: String(request.app.get(DOCS_URL_SETTING)),
    requestId: requestIdOf(request),
  });
