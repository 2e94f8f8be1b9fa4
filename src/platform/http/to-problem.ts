import { HttpException } from '@nestjs/common';
import { isOutage } from '../postgres/outage.js';
import { QueueFull } from '../scheduling/batcher.js';
import { Problem, type ProblemCode } from './problem.js';

const CODE_OF_STATUS: Record<number, ProblemCode> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  503: 'unavailable',
};

/**
 * Returns the problem to send to the caller for anything that was thrown. Overload and outages become `unavailable`; an
 * unexpected error becomes `internal`, without its message, which could reveal something internal.
 */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof QueueFull || isOutage(error))
    return new Problem('unavailable', undefined, { retryAfterMs: 1_000 });
  // The framework's message may repeat the URL or the body, and with them a secret.
  if (error instanceof HttpException)
    return new Problem(CODE_OF_STATUS[error.getStatus()] ?? 'invalid_request');
  return bodyParserProblem(error) ?? new Problem('internal');
}

/** What the `code` of an error of zlib begins with: of gzip and deflate, and of Brotli. */
const DECOMPRESSION_ERROR = /^(Z_|ERR__ERROR_)/;

/** The errors of the package body-parser have a `type`, those of a stream that cannot be decompressed a `code`. */
function bodyParserProblem(error: unknown): Problem | undefined {
  const type = typeof error === 'object' && error !== null && 'type' in error ? error.type : undefined;
  if (type === 'entity.parse.failed') return new Problem('malformed_json');
  if (type === 'entity.verify.failed') return new Problem('too_deep');
  if (type === 'entity.too.large') return new Problem('payload_too_large');
  if (type === 'charset.unsupported')
    return new Problem('unsupported_media_type', 'The charset of the body must be UTF-8.');
  if (type === 'encoding.unsupported') return new Problem('unsupported_media_type');
  if (typeof type === 'string' && type.startsWith('request.'))
    return new Problem('invalid_request', 'The body did not arrive whole.');
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return DECOMPRESSION_ERROR.test(code)
    ? new Problem('invalid_request', 'The body is not what its Content-Encoding says, or was cut off.')
    : undefined;
}
