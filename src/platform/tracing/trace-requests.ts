import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { TracingService } from './tracing.service.js';

/** What lasts as long as a device is there, and what is asked every few seconds. */
const UNTRACED = /^\/(health|metrics|v1\/me\/events)/;
const FAILED = 500;

/**
 * Returns the middleware that begins a span for each request: of the trace that `traceparent` names if it is sampled, else of a new one if the
 * sampler takes it. A span has the route and not the path, since paths name users. It comes first of all.
 */
export function traceRequests(tracing: TracingService): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    if (UNTRACED.test(request.url)) return next();
    const { method } = request;
    const { traceparent } = request.headers;
    const span = tracing.start({
      name: method,
      kind: 'server',
      parent: typeof traceparent === 'string' ? traceparent : undefined,
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
