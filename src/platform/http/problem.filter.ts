import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Problem } from './problem.js';
import { problemBody } from './problem-body.js';
import { toProblem } from './to-problem.js';

/** Sends every error of an HTTP call as `application/problem+json` (RFC 9457). Logs those that are our fault, or PostgreSQL's. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly log = new Logger('http');

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const response = http.getResponse<Response>();
    const problem = toProblem(error);
    // A Problem is expected: whoever throws one has said what there is to say. Strangers can cause them.
    if (problem.status >= 500 && !(error instanceof Problem)) this.log.error(error);
    // A streamed response that has begun can only be cut off; the client then sees that it is incomplete.
    if (response.headersSent) return void response.destroy();
    const { retryAfterMs } = problem.extensions;
    if (typeof retryAfterMs === 'number') response.setHeader('Retry-After', Math.ceil(retryAfterMs / 1_000));
    if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    const body = problemBody(problem, http.getRequest<Request>());
    response.locals.code = problem.code;
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(body));
  }
}
