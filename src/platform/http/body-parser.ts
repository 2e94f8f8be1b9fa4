import type { IncomingMessage } from 'node:http';
import express, { type Request, type Response } from 'express';
import { jsonDeeperThan } from './json-depth.js';
import { YieldingQueue } from '../scheduling/yielding-queue.js';
import { toProblem } from './problem.filter.js';

const MAX_JSON = '1mb';
const MAX_WEBHOOK = '256kb';
const MAX_DEPTH = 32;
/** A body of this size is many events, and waits its turn; a single urgent one is smaller. */
const BULK_BYTES = 8_192;

/** A body must have come by then, so that slow senders hold nothing for long. The nightly file is no such body. */
const BODY_MS = 10_000;

/** Nested too deeply to be worth parsing: reported as `entity.verify.failed` by the body parser. */
const verify = (_request: unknown, _response: unknown, body: Buffer) => {
  if (jsonDeeperThan(body, MAX_DEPTH)) throw new Error('nested too deeply');
};

const json = express.json({
  limit: MAX_JSON,
  verify,
  strict: true,
  type: ['application/json', 'application/*+json'],
});
const raw = express.raw({ limit: MAX_WEBHOOK, type: () => true });

/** Hangs up on a request whose body does not come in time. */
export function limitBodyTime(request: IncomingMessage): void {
  const deadline = setTimeout(() => request.destroy(), BODY_MS);
  const met = () => clearTimeout(deadline);
  request.once('end', met).once('close', met);
}

/** Devices that wait for a write turn before the door waits for them: a sender that floods is slowed down, not the events. */
const BACKLOG = 300;

/**
 * Webhooks keep their bytes, since the signature is over them; the nightly file stays a stream; all else is JSON. Big
 * bodies are let in one a turn of the event loop, and while devices are behind none is.
 */
export function bodyParser(load: { readonly writesWaiting: number }) {
  const door = new YieldingQueue(() => load.writesWaiting < BACKLOG, 0);
  return (request: Request, response: Response, proceed: (error?: unknown) => void): void => {
    // Nest would make the parser's errors its own exceptions, whose text repeats the body.
    const next = (error?: unknown) => (error === undefined ? proceed() : proceed(toProblem(error)));
    const read = (parse: typeof json) => {
      limitBodyTime(request);
      parse(request, response, next);
    };
    if (request.path.startsWith('/v1/webhooks/')) read(raw);
    else if (request.path === '/v1/recommendations') next();
    else if (Number(request.headers['content-length'] ?? 0) < BULK_BYTES) read(json);
    else void door.run(() => read(json));
  };
}
