import { Failure, NEEDS_REASON, UsageFailure } from '../failures.js';
import { type Problem, Refusal, toProblem, Unreachable } from './problem.js';

/** A call that was not answered by then is given up. */
const TIMEOUT_MS = 30_000;

/** What a call sends. */
export interface ApiRequest {
  /** Sent as JSON; a text or a stream as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** How long the whole call may take, in ms; half a minute by default. */
  readonly timeoutMs?: number;
}

/** The HTTP API of one Usher with one set of credentials: the one place from which the command line calls it. */
export class UsherApi {
  constructor(
    readonly url: string,
    private readonly bearer: string | undefined,
    private readonly signal: AbortSignal,
    /** Why the caller does this, for the audit. */
    private readonly reason?: string,
  ) {}

  /** Returns the parsed body; undefined when there is none. Throws Refusal, Unreachable. */
  async call(method: string, path: string, request: ApiRequest = {}): Promise<unknown> {
    const response = await this.open(method, path, request);
    const text = await this.guarded(() => response.text());
    return text === '' ? undefined : this.parse(text);
  }

  /** Yields the parsed lines of a response in NDJSON as they come. Throws as `call` does. */
  async *lines(method: string, path: string, request: ApiRequest): AsyncGenerator {
    const { body } = await this.open(method, path, request);
    if (body === null) return;
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ;) {
      const { done, value } = await this.guarded(() => reader.read());
      const lines = `${rest}${value ?? ''}`.split('\n');
      rest = done ? '' : (lines.pop() ?? '');
      for (const line of lines) if (line.trim() !== '') yield this.parse(line);
      if (done) return;
    }
  }

  /** Returns the response. Throws Refusal for one that is no success, Unreachable; UsageFailure for a change that needs a reason and has none. */
  async open(method: string, path: string, request: ApiRequest): Promise<Response> {
    const response = await this.guarded(() =>
      fetch(`${this.url}${path}`, {
        method,
        headers: { ...this.headersOf(request), ...request.headers },
        signal: AbortSignal.any([this.signal, AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS)]),
        // A redirect would carry the key to somebody else.
        redirect: 'error',
        ...bodyOf(request.body),
      }),
    );
    if (response.ok) return response;
    const problem = toProblem(response.status, response.headers, await this.guarded(() => response.text()));
    if (this.reason === undefined && asksForReason(problem)) throw new UsageFailure(NEEDS_REASON);
    throw new Refusal(problem);
  }

  private headersOf({ body }: ApiRequest): Record<string, string> {
    return {
      ...(this.bearer !== undefined && { authorization: `Bearer ${this.bearer}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      // Headers are Latin-1; RFC 8187 says how any text gets into one.
      ...(this.reason !== undefined && { 'usher-reason': `utf-8''${encodeURIComponent(this.reason)}` }),
    };
  }

  private async guarded<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (this.signal.aborted) throw new Failure('Interrupted.');
      throw new Unreachable(this.url, reasonOf(error));
    }
  }

  private parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw new Failure(`${this.url} did not answer with JSON: is it an Usher?`);
    }
  }
}

/** The API names the header, which is nothing that a person types here. */
const asksForReason = ({ code, detail }: Problem): boolean =>
  code === 'invalid_request' && detail.includes('Usher-Reason');

function bodyOf(body: unknown): RequestInit {
  if (body === undefined) return {};
  if (body instanceof ReadableStream) return { body, duplex: 'half' } as RequestInit;
  return { body: typeof body === 'string' ? body : JSON.stringify(body) };
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  if (name === 'TimeoutError') return 'no answer in time';
  return cause?.code ?? cause?.message ?? message;
}

/** Returns a path of the API in which every value is escaped. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((whole, part, n) => `${whole}${encodeURIComponent(values[n - 1] ?? '')}${part}`);
}
