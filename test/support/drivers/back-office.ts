import { request } from 'undici';
import { expectDone } from '../expectations.js';

export interface HttpReply<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** Calls of the HTTP API with a service key. Each but `get` and `put` returns the status and the parsed body, whatever the status is. */
export interface BackOffice {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<HttpReply>;
  /** Reads what must be there. Returns the reply's body. */
  get(path: string): Promise<Record<string, unknown>>;
  /** Puts what must be accepted. Returns the reply's body. */
  put(path: string, body: unknown): Promise<Record<string, unknown>>;
  publish(events: readonly Record<string, unknown>[], headers?: Record<string, string>): Promise<HttpReply>;
  putPlan(
    planId: string,
    prices: readonly string[],
    capabilities?: Record<string, unknown>,
  ): Promise<HttpReply>;
  entitlement(userId: string): Promise<Record<string, unknown>>;
  /** Returns what became of a stored webhook; undefined when it is not stored. */
  webhook(eventId: string): Promise<StoredWebhook | undefined>;
  /** Sends NDJSON lines; the body is the last line of the response. */
  recommend(lines: readonly unknown[]): Promise<HttpReply>;
}

export interface StoredWebhook {
  readonly eventId: string;
  readonly status: string;
  readonly waitingFor: string | null;
  readonly reason: string | null;
}

export const PREMIUM = { streaming: true, maxStreams: 4, maxQuality: '4k', downloads: true, ads: false };

/**
 * Sends a request with a bearer token. A `Buffer` or string is sent as it is, everything else as JSON. Not by `fetch`, whose streams take several
 * times the CPU of the request: the tests call some ten thousand times.
 */
export async function call(
  url: string,
  bearer: string | undefined,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<HttpReply> {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await request(`${url}${path}`, {
    method: method as 'GET',
    headers: {
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: raw ? body : JSON.stringify(body) }),
  });
  const text = await response.body.text();
  const headersOfReply = Object.entries(response.headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  );
  return { status: response.statusCode, headers: new Headers(headersOfReply), body: parsed(text) };
}

/** Returns the back office of the node at this URL. */
export function backOffice(url: string, key: string): BackOffice {
  const office: BackOffice = {
    call: (method, path, body, headers) => call(url, key, method, path, body, headers),
    get: async (path) => bodyOf(await office.call('GET', path)),
    put: async (path, body) => bodyOf(await office.call('PUT', path, body)),
    publish: (events, headers) => office.call('POST', '/v1/events', { events }, headers),
    putPlan: (planId, prices, capabilities = PREMIUM) =>
      office.call('PUT', `/v1/plans/${planId}`, { name: planId, prices, capabilities }),
    entitlement: async (userId) => (await office.call('GET', `/v1/users/${userId}/entitlement`)).body,
    async webhook(eventId) {
      for (const status of ['stored', 'applied', 'stale', 'ignored', 'waiting', 'failed']) {
        const { body } = await office.call('GET', `/v1/webhooks?status=${status}&limit=500`);
        const found = (body.webhooks as StoredWebhook[]).find((one) => one.eventId === eventId);
        if (found) return found;
      }
      return undefined;
    },
    recommend: (lines) =>
      office.call('POST', '/v1/recommendations', lines.map((line) => `${JSON.stringify(line)}\n`).join(''), {
        'content-type': 'application/x-ndjson',
      }),
  };
  return office;
}

function bodyOf(reply: HttpReply): Record<string, unknown> {
  expectDone(reply);
  return reply.body;
}

/** Parses JSON, or the last line of NDJSON. */
function parsed(text: string): Record<string, unknown> {
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(text.includes('\n{') ? last : text) as Record<string, unknown>;
  } catch {
    return { text };
  }
}
