import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { SecureContext } from 'node:tls';

/** Requests that one session carries at once; what Google and Apple allow. */
const MAX_STREAMS = 100;
/** Together they carry what a provider has in flight at most (resilience.ts). */
const MAX_SESSIONS = 2;
const CONNECT_TIMEOUT_MS = 5_000;
/** An idle connection is probed by TCP after this, so that no firewall forgets it and a dead one is noticed before the next push. */
const KEEP_ALIVE_MS = 60_000;
/** A session that does not respond to a ping within this is dead. */
const PING_TIMEOUT_MS = 2_000;
/** After so many requests without a response, and none with one between them, a session gets no further ones, though it responds to pings. */
const MAX_UNANSWERED = 5;
const MAX_RESPONSE_BYTES = 64 * 1024;
/** A 200 whose body has not ended by then is cancelled: its stream would take the place of another request for ever. */
const BODY_TIMEOUT_MS = 5_000;

/** A response. The body of a 200 is not read, and one that is too large is empty. */
export interface Http2Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** There was no response. `code` says why, as Node's errors do. */
class NoResponseError extends Error {
  constructor(readonly code: 'ECONNRESET' | 'ETIMEDOUT' | 'ECLOSED') {
    super(code);
  }
}

interface Session {
  readonly http2: ClientHttp2Session;
  streams: number;
  /** Requests that were given up since the last response. */
  unanswered: number;
  isPinged: boolean;
}

/**
 * POSTs to one origin over HTTP/2 sessions that are kept open. A request is sent once: one that a broken session or a GOAWAY took along
 * fails, and the next one opens a new session. (undici sends such requests again by itself, and costs a third more.)
 */
export class Http2Client {
  private readonly sessions = new Set<Session>();
  private isClosed = false;

  constructor(
    private readonly origin: string,
    private readonly tls: { readonly secureContext?: SecureContext },
  ) {}

  /** Throws Node's error when there was no response, and an AbortError once `signal` is aborted, which is the only timeout. */
  post(
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Http2Response> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const session = this.sessionWithRoom();
      const stream = session.http2.request({ ':method': 'POST', ':path': path, ...headers });
      session.streams += 1;
      let isAnswered = false;
      stream.once('response', (head) => {
        isAnswered = true;
        session.unanswered = 0;
        readResponse(stream, head, resolve);
      });
      // After a response the status is known: it is returned when the stream has closed.
      stream.on('error', (error) => isAnswered || reject(causeOf(error)));
      stream.once('close', () => {
        session.streams -= 1;
        signal.removeEventListener('abort', abort);
        if (!isAnswered) reject(new NoResponseError('ECONNRESET'));
      });
      const abort = () => {
        reject(signal.reason as Error);
        stream.close(constants.NGHTTP2_CANCEL);
        if (!isAnswered) this.countUnanswered(session);
      };
      signal.addEventListener('abort', abort, { once: true });
      stream.end(body);
    });
  }

  /** Ends the sessions, and the requests on them. Idempotent. */
  close(): void {
    this.isClosed = true;
    for (const { http2 } of this.sessions) http2.destroy();
  }

  /** The first session with room, so that few requests share one connection; else a new one; else the last. */
  private sessionWithRoom(): Session {
    let last: Session | undefined;
    let usable = 0;
    for (const session of this.sessions) {
      // GOAWAY closes a session: what it carries may end, and nothing new is sent on it.
      if (session.http2.closed || session.http2.destroyed) continue;
      if (session.streams < maxStreamsOf(session)) return session;
      last = session;
      usable += 1;
    }
    return last && usable >= MAX_SESSIONS ? last : this.open();
  }

  private open(): Session {
    if (this.isClosed) throw new NoResponseError('ECLOSED');
    const http2 = connect(this.origin, { peerMaxConcurrentStreams: MAX_STREAMS, ...this.tls });
    const session = { http2, streams: 0, unanswered: 0, isPinged: false };
    this.sessions.add(session);
    const timer = setTimeout(() => http2.destroy(new NoResponseError('ETIMEDOUT')), CONNECT_TIMEOUT_MS);
    http2.once('connect', (_, socket) => {
      clearTimeout(timer);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
    });
    // Its requests report the error.
    http2.on('error', () => {});
    http2.once('close', () => {
      clearTimeout(timer);
      this.sessions.delete(session);
    });
    return session;
  }

  /**
   * A request without a response may have met a connection that leads nowhere (a firewall forgot it, a route vanished). TCP notices after
   * a quarter of an hour, and until then each request on it would be lost. Or a proxy responds to pings, and what is behind it hangs.
   */
  private countUnanswered(session: Session): void {
    const { http2 } = session;
    if (http2.closed || http2.destroyed || http2.connecting) return;
    session.unanswered += 1;
    if (!session.isPinged) this.ping(session);
    // What it still carries may end. Last: without a request it ends at once, and cannot be pinged any more.
    if (session.unanswered >= MAX_UNANSWERED) http2.close();
  }

  private ping(session: Session): void {
    const { http2 } = session;
    session.isPinged = true;
    const end = () => session.isPinged && http2.destroy(new NoResponseError('ETIMEDOUT'));
    // After a pause of the event loop the timer comes first, and the response that has long come is read before the immediate.
    const timer = setTimeout(() => setImmediate(end), PING_TIMEOUT_MS);
    http2.ping(() => {
      clearTimeout(timer);
      session.isPinged = false;
    });
  }
}

/** What the session carries at once, which the server may have lowered. */
const maxStreamsOf = ({ http2 }: Session): number =>
  Math.min(MAX_STREAMS, http2.remoteSettings.maxConcurrentStreams ?? MAX_STREAMS);

/** Node wraps the error of a session that has failed, as ECONNREFUSED, in one that says only that the stream was cancelled. */
const causeOf = (error: Error & { code?: string }): Error =>
  error.code === 'ERR_HTTP2_STREAM_CANCEL' ? ((error.cause as Error | undefined) ?? error) : error;

/** Resolves with the status alone if it is 200, else once the body has ended. */
function readResponse(
  stream: ClientHttp2Stream,
  headers: IncomingHttpHeaders,
  resolve: (response: Http2Response) => void,
): void {
  const status = Number(headers[':status']);
  if (status === 200) {
    stream.resume();
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), BODY_TIMEOUT_MS);
    stream.once('close', () => clearTimeout(timer));
    return resolve({ status, headers, body: '' });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_RESPONSE_BYTES) chunks.push(chunk);
    else stream.close(constants.NGHTTP2_CANCEL);
  });
  // Closed and not only ended: a body that breaks off leaves the status, which is known.
  stream.once('close', () => {
    const body = bytes > MAX_RESPONSE_BYTES ? '' : Buffer.concat(chunks).toString('utf8');
    resolve({ status, headers, body });
  });
}
