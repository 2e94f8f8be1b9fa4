import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Params, PinoLogger } from 'nestjs-pino';
import { type Logger, pino } from 'pino';
import { type HttpLogger, type Options, pinoHttp } from 'pino-http';
import type { Config } from '../config/config.js';
import { readProcessNumber } from '../config/process-number.js';
import { assignRequestId } from '../http/request-id.js';
import { readableStack } from './readable-stack.js';
import { describeRefusal } from './refusal.js';

/** Returns what may be logged of a request: never headers, body or query, since those may hold secrets. */
const describeRequest = (request: IncomingMessage & { id?: unknown }) => ({
  id: request.id,
  method: request.method,
  path: shownPath(request.url ?? ''),
});

/** The path of a link that is counted is a token. */
const shownPath = (url: string): string | undefined => url.split('?', 1)[0]?.replace(/^\/t\/.*/, '/t/…');

/** Returns what may be logged of an error: not `detail`, in which PostgreSQL repeats the row. */
function describeError(error: Error & { code?: unknown }) {
  const { name, message, code } = error;
  return { type: name, message, code, stack: readableStack(error) };
}

/** At boot Nest logs every module and route at level info. These loggers' info lines are dropped. */
const NOISY_CONTEXTS = new Set([
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestFactory',
  'WebSocketsController',
  'NestApplication',
]);
/** Pino's number for the level. */
const INFO = 30;

const isProbe = (request: IncomingMessage) => /^\/(health|metrics)/.test(request.url ?? '');

/**
 * Returns the options of nestjs-pino: structured logs, one JSON object a line. The module itself logs no requests, because its
 * AsyncLocalStorage slows down everything in the process, socket writes included (about 10 % of a delivery). See requestLog.
 */
export function loggerParams(config: Config): Params {
  return { pinoHttp: pinoOptions(config), forRoutes: [] };
}

/** Returns the middleware that logs each request after its response. */
export function requestLog(config: Config): HttpLogger {
  return pinoHttp({ ...pinoOptions(config), logger: PinoLogger.root });
}

/** Returns the log of the process that starts and watches the others. */
export const primaryLog = (config: Config): Logger => pino(lineOptions(config));

/** Which process of PROCESSES wrote a line; nothing where there is only one. */
const processOf = ({ PROCESSES }: Config) =>
  PROCESSES === 1 ? {} : { process: String(readProcessNumber() ?? 'primary') };

const lineOptions = (config: Config) => ({
  level: config.LOG_LEVEL,
  base: { service: 'usher', ...processOf(config) },
  timestamp: () => `,"time":"${new Date().toISOString()}"`,
  formatters: { level: (level: string) => ({ level }) },
});

function pinoOptions(config: Config): Options {
  return {
    ...lineOptions(config),
    genReqId: assignRequestId,
    customSuccessObject: (request, response, line: object) => ({
      ...line,
      ...describeRefusal(request, response),
    }),
    customErrorObject: (request, response, _, line: object) => ({
      ...line,
      ...describeRefusal(request, response),
    }),
    autoLogging: { ignore: isProbe },
    customLogLevel: (_request, response, error) => levelOf(response, error),
    hooks: {
      logMethod(args, method, level) {
        const [first] = args as unknown[];
        const context =
          typeof first === 'object' && first !== null && 'context' in first ? String(first.context) : '';
        if (level === INFO && NOISY_CONTEXTS.has(context)) return;
        method.apply(this, args);
      },
    },
    serializers: {
      req: describeRequest,
      err: describeError,
      res: (response: ServerResponse) => ({ status: response.statusCode }),
    },
    redact: { paths: ['*.token', '*.key', '*.secret', '*.authorization', '*.auth'], censor: '[hidden]' },
  };
}

function levelOf(response: ServerResponse, error?: Error): 'debug' | 'info' | 'warn' | 'error' {
  if (error !== undefined || response.statusCode >= 500) return 'error';
  return response.statusCode >= 400 ? 'info' : 'debug';
}
