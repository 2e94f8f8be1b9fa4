import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { findBackOffice } from '../auth/caller.js';
import type { TracingService } from './tracing.service.js';

/** What lasts as long as a device is there, and what is asked every few seconds. */
const UNTRACED = /^\/(health|metrics|v1\/me\/events|v1\/analytics\/stream)/;
const FAILED = 500;

/**
 * Returns the middleware that begins a span for each request that was admitted. One with a service key goes on in the trace that its `traceparent` names,
 * and is sampled if that is. Apps and processors could force a span for each of their requests so: theirs begin new traces, which the sampler
 * takes or not, linked to the ones that they name. A span has the route and not the path, since paths name users.
 */
export function traceRequests(tracing: TracingService): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    if (UNTRACED.test(request.url)) return next();
    const { method } = request;
    const { traceparent } = request.headers;
    const given = typeof traceparent === 'string' ? traceparent : undefined;
    const isTrusted = findBackOffice(request) !== undefined;
    const span = tracing.start({
      name: method,
      kind: 'server',
      parent: isTrusted ? given : undefined,
      links: isTrusted || given === undefined ? [] : [given],
      attributes: { 'http.request.method': method },
    });
    if (!span) return next();
    const leave = tracing.enter(span.context, next);
    response.once('close', () => {
      leave();
      const route = (request as { route?: { path?: unknown } }).route?.path;
      if (typeof route === 'string') {
        span.setName(`${method} ${route}`);
        span.set({ 'http.route': route });
      }
      span.set({ 'http.response.status_code': response.statusCode });
      span.end(response.statusCode >= FAILED ? String(response.statusCode) : undefined);
    });
  };
}
