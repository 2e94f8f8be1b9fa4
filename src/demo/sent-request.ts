import type { OwnApiRequest, OwnApiResponse } from './own-api.client.js';

/**
 * A request that the demo sent to this node's API, as the page shows it: as a command for a shell that has the secrets in variables.
 * It holds no credentials.
 */
export interface SentRequest {
  readonly method: OwnApiRequest['method'];
  readonly path: string;
  /** `service_key`: with a service key as a bearer token. `stripe_signature`: by Stripe's signature of the body. */
  readonly authorizedBy: 'service_key' | 'stripe_signature';
  /** The headers, without the one that authorizes it. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as a text, before it was compressed. */
  readonly body?: string;
  readonly status: number;
  /** Milliseconds until the response was read. */
  readonly ms: number;
  readonly response: string;
}

/** Returns what the page shows of a request with the service key and its response. */
export function describeSent(
  { method, path, headers = {} }: OwnApiRequest,
  { status, ms, text }: OwnApiResponse,
  body?: string,
): SentRequest {
  const content = body === undefined ? {} : { body };
  return { method, path, authorizedBy: 'service_key', headers, ...content, status, ms, response: text };
}
