import { EdgeError } from './errors.js';
import { type EdgeOptions, REQUEST_TIMEOUT_MS } from './options.js';

/** What Usher returns for a stream. */
export interface StreamResponse {
  readonly streamId: string;
  /** The lease as a JWT. */
  readonly lease: string;
  readonly expiresAt: string;
}

/** What to start a stream with. */
export interface StreamRequest {
  readonly userId: string;
  readonly deviceId: string;
  readonly titleId: string;
}

/** Usher's HTTP calls for edge nodes. Each throws EdgeError. */
export class UsherApi {
  constructor(private readonly options: EdgeOptions) {}

  startStream(request: StreamRequest): Promise<StreamResponse> {
    const body = { ...request, edgeId: this.options.edgeId };
    const headers = { 'idempotency-key': crypto.randomUUID() };
    return this.send('POST', '/v1/streams', body, headers) as Promise<StreamResponse>;
  }

  renewStream(streamId: string): Promise<StreamResponse> {
    return this.send('PUT', `/v1/streams/${encodeURIComponent(streamId)}`) as Promise<StreamResponse>;
  }

  async endStream(streamId: string): Promise<void> {
    await this.send('DELETE', `/v1/streams/${encodeURIComponent(streamId)}`);
  }

  private async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<unknown> {
    const { url, key } = this.options;
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    }).catch((error: unknown) => {
      throw new EdgeError('unreachable', true, {}, { cause: error });
    });
    if (response.status === 204) return undefined;
    const result = await response.json().catch(() => ({}));
    if (response.ok) return result;
    throw toEdgeError(response.status, result as Record<string, unknown>);
  }
}

/** An error without a code is not Usher's but, for example, a proxy's page. A 4xx other than 429 will not go away by itself. */
function toEdgeError(status: number, { code, retryable, ...details }: Record<string, unknown>): EdgeError {
  if (typeof code === 'string') return new EdgeError(code, retryable === true || status >= 500, details);
  return new EdgeError('unreachable', status >= 500 || status === 429);
}
