import type { NextFunction, Request, Response } from 'express';
import { discardBody } from '../body/body-parser.js';
import { Problem } from '../problem.js';

/** Node has sent `100 Continue` for such a request, or has asked the server whether to. */
const EXPECTS_CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

function findProblem({ headers, httpVersion }: Request): Problem | undefined {
  // RFC 9112, section 3.2. Node would refuse it itself, without a body.
  if (headers.host === undefined && httpVersion === '1.1')
    return new Problem('invalid_request', 'The header Host is missing.');
  return headers.expect === undefined || EXPECTS_CONTINUE.test(headers.expect)
    ? undefined
    : new Problem('expectation_failed');
}

/** The middleware that refuses requests whose headers HTTP itself forbids, or lets a server refuse. */
export function checkRequiredHeaders(request: Request, _response: Response, next: NextFunction): void {
  const problem = findProblem(request);
  if (problem) discardBody(request);
  next(problem);
}
