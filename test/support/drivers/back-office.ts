export interface Reply<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** The back office: calls with a service key. Each answers with status and parsed body, whatever it is. */
export interface BackOffice {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  publish(events: readonly Record<string, unknown>[], headers?: Record<string, string>): Promise<Reply>;
  putPlan(planId: string, prices: readonly string[], capabilities?: Record<string, unknown>): Promise<Reply>;
  entitlement(userId: string): Promise<Record<string, unknown>>;
  /** NDJSON lines; the answer's last line is the body. */
  recommend(lines: readonly unknown[]): Promise<Reply>;
}

export const PREMIUM = { streaming: true, maxStreams: 4, maxQuality: '4k', downloads: true, ads: false };

/** Any call with a bearer. A `Buffer` or string goes as it is, everything else as JSON. */
export async function call(
  url: string,
  bearer: string | undefined,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: raw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parsed(text) };
}

export function backOffice(url: string, key: string): BackOffice {
  const office: BackOffice = {
    call: (method, path, body, headers) => call(url, key, method, path, body, headers),
    publish: (events, headers) => office.call('POST', '/v1/events', { events }, headers),
    putPlan: (planId, prices, capabilities = PREMIUM) =>
      office.call('PUT', `/v1/plans/${planId}`, { name: planId, prices, capabilities }),
    entitlement: async (userId) => (await office.call('GET', `/v1/users/${userId}/entitlement`)).body,
    recommend: (lines) =>
      office.call('POST', '/v1/recommendations', lines.map((line) => `${JSON.stringify(line)}\n`).join(''), {
        'content-type': 'application/x-ndjson',
      }),
  };
  return office;
}

/** JSON, or the last line of NDJSON. */
function parsed(text: string): Record<string, unknown> {
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(text.includes('\n{') ? last : text) as Record<string, unknown>;
  } catch {
    return { text };
  }
}
