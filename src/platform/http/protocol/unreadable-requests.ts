import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { Problem } from '../problem.js';
import { explainedProblem } from '../problem-body.js';
import { newRequestId, REQUEST_ID_HEADER, requestIdOf } from '../request-id.js';

const log = new Logger('http');

/** An error of Node's HTTP parser. Its `reason` is one of the parser's own sentences, without a byte of the request. */
interface ParserError extends Error {
  readonly code?: string;
  readonly reason?: string;
}

function toProblem({ code = '', reason }: ParserError): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem('headers_too_large');
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return new Problem('payload_too_large', 'The chunks of the body have too long extensions.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request_timeout');
  const detail = code.startsWith('HPE_') && reason !== undefined ? `: ${reason}` : '';
  return new Problem('invalid_request', `This is not HTTP/1.1${detail}`);
}

/**
 * The response that the connection is waiting for or has a part of. Node has no public way to it; its own answer to such errors looks at the same
 * property (lib/_http_server.js, socketOnError).
 */
const currentResponse = (socket: Socket): ServerResponse<IncomingMessage> | undefined =>
  (socket as { _httpMessage?: ServerResponse<IncomingMessage> | null })._httpMessage ?? undefined;

/**
 * Whether the client would take a response for that of the request which cannot be read. It would not where it has sent nothing (a connection that
 * was opened ahead and never used), where a response has begun, nor where the request before is whole and is still carried out: then it is better
 * to see the connection end than to read that the call was refused.
 */
const mayRespond = (socket: Socket, response: ServerResponse<IncomingMessage> | undefined): boolean =>
  socket.writable &&
  socket.bytesRead > 0 &&
  (response === undefined || (!response.headersSent && !response.req.complete));

function toHttp(problem: Problem, docsUrl: string, requestId: string): string {
  const body = JSON.stringify(explainedProblem(problem, { docsUrl, requestId }));
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `${REQUEST_ID_HEADER}: ${requestId}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

/**
 * Returns the listener of a server's `clientError`: requests that are no HTTP, have too large headers or do not arrive in time, which get to no
 * middleware. They are refused as all others are, and the connection is ended. `docsUrl`: where the documentation is.
 */
export const refuseUnreadable =
  (docsUrl: () => string) =>
  (error: Error, socket: Socket): void => {
    const response = currentResponse(socket);
    if (mayRespond(socket, response)) {
      const problem = toProblem(error);
      const requestId = (response && requestIdOf(response.req)) || newRequestId();
      socket.write(toHttp(problem, docsUrl(), requestId));
      log.log(
        { req: { id: requestId }, res: { statusCode: problem.status }, code: problem.code },
        'request could not be read',
      );
    }
    socket.destroy(error);
  };
