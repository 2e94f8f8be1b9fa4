import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Params, PinoLogger } from 'nestjs-pino';
import { type HttpLogger, type Options, pinoHttp } from 'pino-http';
import type { Config } from '../config/config.js';

/** A request as a log may show it: never a header, a body or a query, since those may hold secrets. */
const describe = (request: IncomingMessage & { id?: unknown }) => ({
  id: request.id,
  method: request.method,
  path: request.url?.split('?', 1)[0],
});

/** PostgreSQL's `detail` repeats the row, and with it what a log must not hold. */
function describeError(error: Error & { code?: unknown }) {
  const { name, message, code, stack } = error;
  return { type: name, message, code, stack };
}

/** Nest names every module and route at boot; whoever wants to read that sets LOG_LEVEL=debug. */
const CHATTY = new Set([
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestFactory',
  'WebSocketsController',
  'NestApplication',
]);
const INFO = 30;

const quiet = (request: IncomingMessage) => /^\/(health|metrics)/.test(request.url ?? '');

/**
 * Structured logs, a JSON object a line. Nest's module logs no requests: it would keep a store a request, and the async hooks
 * that this needs slow down everything in the process, above all the sockets (some 10 % of a delivery). See requestLog.
 */
export function logging(config: Config): Params {
  return { pinoHttp: options(config), forRoutes: [] };
}

/** Logs each request when it was answered. */
export function requestLog(config: Config): HttpLogger {
  return pinoHttp({ ...options(config), logger: PinoLogger.root });
}

function options(config: Config): Options {
  return {
    level: config.LOG_LEVEL,
    base: { service: 'usher' },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level) => ({ level }) },
    autoLogging: { ignore: quiet },
    customLogLevel: (_request, response, error) => levelOf(response, error),
    hooks: {
      logMethod(args, method, level) {
        const [first] = args as unknown[];
        const context =
          typeof first === 'object' && first !== null && 'context' in first ? String(first.context) : '';
        if (level === INFO && CHATTY.has(context)) return;
        method.apply(this, args);
      },
    },
    serializers: {
      req: describe,
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
