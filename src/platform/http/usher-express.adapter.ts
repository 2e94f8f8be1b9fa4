import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ExpressAdapter } from '@nestjs/platform-express';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { Problem } from './problem.js';
import { DOCS_URL_SETTING } from './problem-body.js';
import { refuseUnreadable } from './protocol/unreadable-requests.js';

/**
 * Returns an Express application whose requests and responses are made with the prototypes that Express gives them, so that its
 * `Object.setPrototypeOf` on each of them changes nothing. Changed prototypes give each object a hidden class of its own
 * (expressjs/express#5998), and V8 then keeps everything that a request touches until a major collection: at 1,000 requests a
 * second, a pause of 110 to 240 ms every ten seconds.
 */
function createApplication() {
  class Request extends IncomingMessage {}
  class Response extends ServerResponse<Request> {}
  const application: Express = express();
  // Express would hash each response; what a client may ask for again conditionally has an ETag of its own, its version.
  application.set('etag', false);
  // A call has one path: what is decided by it, as how its body is read and which call a repeated one is, holds however it is written.
  application.enable('strict routing');
  application.enable('case sensitive routing');
  Object.setPrototypeOf(Request.prototype, application.request);
  Object.setPrototypeOf(Response.prototype, application.response);
  application.request = Request.prototype as unknown as Express['request'];
  application.response = Response.prototype as unknown as Express['response'];
  return { application, classes: { IncomingMessage: Request, ServerResponse: Response } };
}

/** The methods that the routes of the request's path have, in `response.locals`; undefined if there are none. */
const allowedOf = ({ locals }: Response) => locals.allowed as Set<string> | undefined;

/**
 * Refuses calls whose path has routes, but none with their method: `method_not_allowed`, with the header `Allow`. What it adds is behind the
 * routes, so that only calls that no route takes get there.
 */
function refuseOtherMethods(application: Express): void {
  const methodsOf = new Map<string, string[]>();
  for (const { route } of application.router.stack) {
    const methods = route?.stack.map(({ method }) => method.toUpperCase()) ?? [];
    if (route) methodsOf.set(route.path, [...(methodsOf.get(route.path) ?? []), ...methods]);
  }
  for (const [path, methods] of methodsOf)
    application.all(path, (_request: Request, response: Response, next: NextFunction) => {
      // Express has HEAD go where GET goes.
      const all = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
      response.locals.allowed = new Set([...(allowedOf(response) ?? []), ...all]);
      next();
    });
  application.use((_request: Request, response: Response, next: NextFunction) => {
    const allowed = allowedOf(response);
    if (!allowed) return next();
    response.setHeader('Allow', [...allowed].toSorted().join(', '));
    next(new Problem('method_not_allowed'));
  });
}

/** Nest's adapter of Express, on a server that creates requests and responses with the prototypes that Express wants. */
export class UsherExpressAdapter extends ExpressAdapter {
  private readonly classes;
  private readonly sockets = new Set<Socket>();

  constructor() {
    const { application, classes } = createApplication();
    super(application);
    this.classes = classes;
  }

  override initHttpServer(): void {
    const application = this.getInstance<Express>();
    // Without Host it would be refused with an empty response: see checkRequiredHeaders.
    const server = createServer({ ...this.classes, requireHostHeader: false }, application);
    server.on(
      'clientError',
      refuseUnreadable(() => String(application.get(DOCS_URL_SETTING))),
    );
    // An `Expect` that is not `100-continue`: refused by the application as well.
    server.on('checkExpectation', application);
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    this.setHttpServer(server);
  }

  /** Called by Nest once all routes are registered. */
  override setNotFoundHandler(...given: Parameters<ExpressAdapter['setNotFoundHandler']>) {
    refuseOtherMethods(this.getInstance<Express>());
    return super.setNotFoundHandler(...given);
  }

  /** Destroys what is still open, as Nest's own server does with `forceCloseConnections`. */
  override close() {
    for (const socket of this.sockets) socket.destroy();
    return super.close();
  }
}
