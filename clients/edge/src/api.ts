import { EdgeError } from './errors.js';
import { ANSWER_MS, type EdgeOptions } from './options.js';

/** What Usher gives for a stream. */
export interface Granted {
  readonly streamId: string;
  readonly lease: string;
  readonly expiresAt: string;
}

export interface WantedStream {
  readonly userId: string;
  readonly deviceId: string;
  readonly titleId: string;
}

/** Usher's calls for edge nodes. Each throws EdgeError. */
export class Api {
  constructor(private readonly options: EdgeOptions) {}

  start(wanted: WantedStream): Promise<Granted> {
    const { edgeId } = this.options;
    const headers = { 'idempotency-key': crypto.randomUUID() };
    return this.call('POST', '/v1/streams', { ...wanted, edgeId }, headers) as Promise<Granted>;
  }

  renew(streamId: string): Promise<Granted> {
    return this.call('PUT', `/v1/streams/${encodeURIComponent(streamId)}`) as Promise<Granted>;
  }

  async end(streamId: string): Promise<void> {
    await this.call('DELETE', `/v1/streams/${encodeURIComponent(streamId)}`);
  }

  private async call(
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
      signal: AbortSignal.timeout(ANSWER_MS),
    }).catch((error: unknown) => {
      throw new EdgeError('unreachable', true, {}, { cause: error });
    });
    if (response.status === 204) return undefined;
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    throw refusal(response.status, answer as Record<string, unknown>);
  }
}

/** What is no problem of ours (a proxy's page) is trouble on the way, unless it says that we are wrong. */
function refusal(status: number, { code, retryable, ...more }: Record<string, unknown>): EdgeError {
  if (typeof code === 'string') return new EdgeError(code, retryable === true || status >= 500, more);
  return new EdgeError('unreachable', status >= 500 || status === 429);
}
