import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Config } from '../config/config.js';
import { requestLog } from '../logging/logging.js';
import { invalidRequest } from './validation.js';
import { LoadMonitorWorker } from '../load/load-monitor.worker.js';
import { bodyParser } from './body-parser.js';
import { rejectOtherRoles } from './role-routes.js';
import { ProblemFilter } from './problem.filter.js';

/** A request must begin and end within these, so that slow senders hold nothing for long; the nightly file may take an hour. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 3_600_000;
const KEEP_ALIVE_MS = 65_000;

/** Nest's pipe walks through every value to delete `__proto__`; our schemas keep only what they name, so it need not. */
class SchemaPipe extends StandardSchemaValidationPipe {
  protected override stripProtoKeys(): void {}
}

/** What holds for every HTTP call: bodies, validation, problems, browsers' rules. */
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
