import { Pool } from 'undici';
import { parseJson } from '../../platform/parse-json.js';

/** Some 200 requests at once find a place on these; a provider answers in a tenth of a second. */
const CONNECTIONS = 32;
/** Shorter than the deadline of a send (resilience.ts). */
const TIMEOUTS = { headersTimeout: 9_000, bodyTimeout: 9_000, connect: { timeout: 5_000 } };
/** Whoever answers more than this is not the provider. */
const MAX_RESPONSE_BYTES = 65_536;

/** A response, its body parsed; undefined for one that is no JSON or too large. */
export interface JsonResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Posts to one origin, over a pool of connections. */
export class JsonApiClient {
  private readonly pool: Pool;

  constructor(
    origin: string,
    private readonly authorization: string,
  ) {
    this.pool = new Pool(origin, { connections: CONNECTIONS, ...TIMEOUTS });
  }

  /** Throws what undici throws when there is no response. */
  async post(path: string, type: string, body: string, signal: AbortSignal): Promise<JsonResponse> {
    const headers = { authorization: this.authorization, 'content-type': type, accept: 'application/json' };
    const response = await this.pool.request({ method: 'POST', path, headers, body, signal });
    return { status: response.statusCode, headers: response.headers, body: await readJson(response.body) };
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }
}

async function readJson(body: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_RESPONSE_BYTES) return undefined;
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks).toString('utf8'));
}
