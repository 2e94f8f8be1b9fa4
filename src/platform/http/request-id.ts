import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** The header by which callers name a request, and in which every response repeats the name. */
export const REQUEST_ID_HEADER = 'X-Request-Id';

/** What other systems use in ids, and nothing that means something to a log, a header or a shell. */
const REQUEST_ID = /^[\w.:=+/@-]{1,128}$/;
/** `traceparent` of W3C Trace Context: version, trace id, parent id, flags. Later versions may have more fields. */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Distinguishes this process from others. A random id for each request would cost more than all the rest of its log line. */
const PREFIX = randomBytes(8).toString('hex');
let made = 0;

/** Returns an id that no other request has: for one that names none, or that cannot be read. */
export function newRequestId(): string {
  made += 1;
  return `${PREFIX}-${made.toString(36)}`;
}

/** Returns the parts of a valid `traceparent`; undefined for anything else. */
export function parseTraceparent(
  traceparent: string | string[] | undefined,
): { traceId: string; parentId: string; flags: number } | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const [, version, traceId, parentId, flags, more] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || parentId === undefined || flags === undefined) return undefined;
  return version === '00' && more !== undefined
    ? undefined
    : { traceId, parentId, flags: parseInt(flags, 16) };
}

/**
 * Returns the id of a request that has just come: the caller's `X-Request-Id` (1 to 128 characters of `A-Z a-z 0-9 _ . : = + / @ -`),
 * else the trace id of `traceparent`, else a new one.
 */
export function chooseRequestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  if (typeof given === 'string' && REQUEST_ID.test(given)) return given;
  return parseTraceparent(headers.traceparent)?.traceId ?? newRequestId();
}

/** Chooses the request's id and promises it to the caller in the response. The request log calls it first of all. */
export function assignRequestId(request: IncomingMessage, response: ServerResponse): string {
  const id = chooseRequestId(request);
  response.setHeader(REQUEST_ID_HEADER, id);
  return id;
}

/** Returns the id that was assigned to the request: for problems, the audit and whatever else tells of it. */
export const requestIdOf = (request: IncomingMessage): string =>
  typeof request.id === 'string' ? request.id : '';
