import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import express, { type Request, type Response } from 'express';
import { isWebhook } from '../../auth/authentication.service.js';
import { hasCaller } from '../../auth/caller.js';
import { monotonicNow } from '../../scheduling/monotonic.js';
import { YieldingQueue } from '../../scheduling/yielding-queue.js';
import { jsonDeeperThan } from './json-depth.js';
import { toProblem } from '../to-problem.js';
import { contentTypeProblem, JSON_TYPE } from './content-type.js';
import { isStreamed } from './streamed-body.js';

const MAX_JSON = '1mb';
const MAX_WEBHOOK = '256kb';
const MAX_DEPTH = 32;
/** A body of this size or more holds many events and is queued; a single urgent event is smaller. */
const BULK_BYTES = 8_192;

/** Whether the body is that long, or does not say how long it is. */
const isBulk = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) >= BULK_BYTES;

/** Time to receive a body, so that slow senders hold no connection for long. Uploads of files are exempt. */
const BODY_TIMEOUT_MS = 10_000;

/**
 * Refuses deep nesting before it is parsed, and other charsets than UTF-8, in whose bytes it could not be seen. The body parser reports an error
 * thrown here by its `type`, else as `entity.verify.failed`.
 */
const verify = (_request: unknown, _response: unknown, body: Buffer, charset: string) => {
  if (charset !== 'utf-8') throw Object.assign(new Error('not UTF-8'), { type: 'charset.unsupported' });
  if (jsonDeeperThan(body, MAX_DEPTH)) throw new Error('nested too deeply');
};

// Not `strict`: JSON that is no object is for the schemas to refuse.
const json = express.json({ limit: MAX_JSON, verify, strict: false, type: JSON_TYPE });
const raw = express.raw({ limit: MAX_WEBHOOK, type: () => true });

/** How often bodies that came too slowly are looked for. */
const CHECK_EVERY_MS = 250;

/**
 * The body that each connection is receiving, checked by one timer for all. A timer or a listener on each request made V8 keep nearly
 * every request until a major collection (`npm run bench -- --only latency --heap`).
 */
class SlowBodies {
  private readonly receiving = new Map<
    Socket,
    { readonly request: IncomingMessage; readonly deadline: number }
  >();
  private timer: NodeJS.Timeout | undefined;

  watch(request: IncomingMessage): void {
    // Of requests that were sent one behind the other, only the last one's body can still be on its way.
    if (request.complete || request.destroyed) return;
    this.receiving.set(request.socket, { request, deadline: monotonicNow() + BODY_TIMEOUT_MS });
    this.timer ??= setInterval(() => this.destroyOverdue(), CHECK_EVERY_MS).unref();
  }

  private destroyOverdue(): void {
    const now = monotonicNow();
    for (const [socket, { request, deadline }] of this.receiving) {
      if (request.complete || request.destroyed) this.receiving.delete(socket);
      else if (deadline <= now) request.destroy();
    }
    if (this.receiving.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

const slowBodies = new SlowBodies();

/** Destroys the connection of a request whose body is not complete within 10 s. */
export const limitBodyTime = (request: IncomingMessage): void => slowBodies.watch(request);

/** Bytes of a body that nobody will read which are received all the same, so that its sender gets to read the response: also when it is a little too large. */
const MAX_DISCARDED_BYTES = 2 * 1_048_576;

/** Receives the body of a refused request without looking at it; destroys the connection when it is long or slow. */
export function discardBody(request: IncomingMessage): void {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  limitBodyTime(request);
  let bytes = 0;
  request.on('data', (data: Buffer) => {
    bytes += data.length;
    if (bytes > MAX_DISCARDED_BYTES) request.destroy();
  });
}

/** While this many devices have unwritten events, bulk bodies wait: backpressure slows the sender instead of the delivery. */
const MAX_WRITES_WAITING = 300;

/**
 * Returns the middleware that reads bodies. Webhooks keep their bytes, since signatures are computed over them; uploads of
 * files stay a stream; everything else is parsed as JSON, if it is known who sends it or `isOpen` says that anybody may.
 * Bulk bodies are parsed one an iteration of the event loop, and none while too many devices have unwritten events.
 */
export function bodyParser(
  load: { readonly writesWaiting: number },
  isOpen: (path: string) => boolean = () => false,
) {
  const bulkBodies = new YieldingQueue(() => load.writesWaiting < MAX_WRITES_WAITING, 0);
  return (request: Request, response: Response, proceed: (error?: unknown) => void): void => {
    // Nest would turn the parser's errors into its own exceptions, whose text repeats the body.
    const next = (error?: unknown) => (error === undefined ? proceed() : proceed(toProblem(error)));
    const read = (parse: typeof json) => {
      limitBodyTime(request);
      parse(request, response, next);
    };
    const readJson = () => {
      const problem = contentTypeProblem(request);
      if (problem) {
        discardBody(request);
        proceed(problem);
      } else if (isBulk(request)) void bulkBodies.run(() => read(json));
      else read(json);
    };
    if (isWebhook(request.path)) read(raw);
    else if (isStreamed(request.path)) next();
    else if (!hasCaller(request) && !isOpen(request.path)) {
      discardBody(request);
      next();
    } else readJson();
  };
}
