import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Response } from 'express';
import { QueueFull } from '../scheduling/batcher.js';
import { isOutage } from '../postgres/outage.js';
import { DeadlineExceeded } from '../scheduling/timeout.js';
import { Problem, type ProblemCode } from './problem.js';

const BY_STATUS: Record<number, ProblemCode> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  503: 'unavailable',
};

/** Turns whatever was thrown into the problem that the caller is told. Surprises tell the caller nothing of our inside. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof QueueFull || error instanceof DeadlineExceeded || isOutage(error))
    return new Problem('unavailable', undefined, { retryAfterMs: 1_000 });
  // A framework's text may repeat the URL or the body, and with them what is secret.
  if (error instanceof HttpException) return new Problem(BY_STATUS[error.getStatus()] ?? 'invalid_request');
  return bodyParserProblem(error) ?? new Problem('internal');
}

/** The body parser's errors carry a `type` (see the body-parser package). */
function bodyParserProblem(error: unknown): Problem | undefined {
  const type = typeof error === 'object' && error !== null && 'type' in error ? error.type : undefined;
  if (type === 'entity.parse.failed') return new Problem('malformed_json');
  if (type === 'entity.verify.failed') return new Problem('too_deep');
  if (type === 'entity.too.large') return new Problem('payload_too_large');
  if (type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new Problem('unsupported_media_type');
  if (typeof type === 'string' && type.startsWith('request.'))
    return new Problem('invalid_request', 'The body did not arrive whole.');
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return code.startsWith('Z_') ? new Problem('invalid_request', 'The body is not valid gzip.') : undefined;
}

@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly log = new Logger('http');

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const problem = toProblem(error);
    if (problem.status >= 500) this.log.error(error);
    // A streamed answer that has begun can only be cut short, so that the reader sees that it is not whole.
    if (response.headersSent) return void response.destroy();
    const { retryAfterMs } = problem.more;
    if (typeof retryAfterMs === 'number') response.setHeader('Retry-After', Math.ceil(retryAfterMs / 1_000));
    if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  }
}
