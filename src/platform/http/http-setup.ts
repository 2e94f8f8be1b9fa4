import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { CorsOptionsDelegate } from '@nestjs/common/interfaces/external/cors-options.interface.js';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request } from 'express';
import { AuthenticationService } from '../auth/authentication.service.js';
import type { Config } from '../config/config.js';
import { LoadMonitorWorker } from '../load/load-monitor.worker.js';
import { requestLog } from '../logging/logging.js';
import { traceRequests } from '../tracing/trace-requests.js';
import { TracingService } from '../tracing/tracing.service.js';
import { bodyParser } from './body/body-parser.js';
import { nameUnknownFields } from './body/unknown-fields.js';
import { OriginsService } from './origins/origins.service.js';
import { admitCallers } from './rate-limits/admit-callers.js';
import { DOCS_URL_SETTING } from './problem-body.js';
import { ProblemFilter } from './problem.filter.js';
import { checkRequiredHeaders } from './protocol/required-headers.js';
import { REQUEST_ID_HEADER } from './request-id.js';
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

/** The headers of responses that docs/CONTRACT.md names. Browsers show pages of other origins no others, but for a few (CORS). */
const EXPOSED_HEADERS = [
  'Allow',
  'ETag',
  'Idempotent-Replayed',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Usher-Run-Id',
  REQUEST_ID_HEADER,
];

/** Installs what applies to every HTTP call: request log, CORS, authentication, rate limits, bodies, validation, errors, timeouts. */
export function setUpHttp(app: NestExpressApplication, config: Config): void {
  app.disable('x-powered-by');
  app.set('trust proxy', config.TRUSTED_PROXIES);
  app.set(DOCS_URL_SETTING, config.DOCS_URL);
  app.use(requestLog(config));
  app.enableCors(corsOptions(app.get(OriginsService)));
  app.use(checkRequiredHeaders);
  app.use(rejectOtherRoles(config.ROLES));
  app.use(admitCallers(app.get(AuthenticationService), config));
  const tracing = app.get(TracingService);
  if (tracing.isOn) app.use(traceRequests(tracing));
  // The demo page, which no production build has, gives tokens to whoever asks. The console is signed in to by a one-time link.
  const isOpen = (path: string) =>
    config.NODE_ENV === 'development' && (path.startsWith('/dev/') || path === '/console/session');
  app.use(bodyParser(app.get(LoadMonitorWorker), isOpen));
  nameUnknownFields();
  app.useGlobalPipes(new SchemaPipe({ exceptionFactory: invalidRequest }));
  app.useGlobalFilters(new ProblemFilter());
  const server = app.getHttpServer();
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
}

/** A page whose origin is not allowed gets its response without the header that would let it read it. */
const corsOptions =
  (origins: OriginsService): CorsOptionsDelegate<Request> =>
  ({ headers }, callback) => {
    const origin = origins.isAllowed(headers) ? true : [];
    callback(null, { origin, exposedHeaders: EXPOSED_HEADERS, maxAge: 600 });
  };
