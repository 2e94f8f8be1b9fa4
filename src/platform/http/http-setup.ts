import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Config } from '../config/config.js';
import { LoadMonitorWorker } from '../load/load-monitor.worker.js';
import { requestLog } from '../logging/logging.js';
import { bodyParser } from './body-parser.js';
import { ProblemFilter } from './problem.filter.js';
import { rejectOtherRoles } from './role-routes.js';
import { invalidRequest } from './validation.js';

/** Time to receive a request's headers, and all of it, so that slow senders hold no connection for long. */
const HEADERS_MS = 10_000;
/** An upload of recommendations may take an hour. */
const REQUEST_MS = 3_600_000;
const KEEP_ALIVE_MS = 65_000;

/** Nest's pipe visits every value to delete `__proto__`. That is not needed: our schemas keep only the fields that they name. */
class SchemaPipe extends StandardSchemaValidationPipe {
  protected override stripProtoKeys(): void {}
}

/** Installs what applies to every HTTP call: request log, body parsing, validation, errors, CORS and timeouts. */
export function setUpHttp(app: NestExpressApplication, config: Config): void {
  app.disable('x-powered-by');
  app.use(requestLog(config));
  app.use(rejectOtherRoles(config.ROLES));
  app.use(bodyParser(app.get(LoadMonitorWorker)));
  app.useGlobalPipes(new SchemaPipe({ exceptionFactory: invalidRequest }));
  app.useGlobalFilters(new ProblemFilter());
  app.enableCors({ origin: config.CORS_ORIGINS, exposedHeaders: ['ETag', 'Retry-After'], maxAge: 600 });
  const server = app.getHttpServer();
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
}
