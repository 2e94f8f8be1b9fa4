import type { ShownRequest } from './curl.js';

/** The operation of each call in the API's own documentation at /docs/api: `[method, path, tag, operation]`. */
const OPERATIONS = [
  ['POST', /^\/v1\/webhooks\//, 'processors', 'receiveWebhook'],
  ['POST', /^\/v1\/recommendations$/, 'back offices', 'ingestRecommendations'],
  ['POST', /^\/v1\/events$/, 'back offices', 'publishEvents'],
  ['POST', /^\/v1\/messages$/, 'back offices', 'sendMessage'],
  ['GET', /^\/v1\/users\/[^/]+\/digests\/[^/]+\/preview$/, 'back offices', 'previewDigest'],
  ['POST', /^\/v1\/streams$/, 'edge nodes', 'startStream'],
  ['DELETE', /^\/v1\/streams\//, 'edge nodes', 'endStream'],
  ['DELETE', /^\/v1\/users\/[^/]+\/streams$/, 'back offices', 'stopStreams'],
  ['GET', /^\/v1\/me\/state$/, 'apps', 'getState'],
] as const;

/** Returns the link to the documentation of a call. */
export function docsOf({ method, path }: ShownRequest): { text: string; href: string } | undefined {
  const found = OPERATIONS.find(([ofMethod, pattern]) => ofMethod === method && pattern.test(path));
  if (!found) return undefined;
  const [, , tag, operation] = found;
  return { text: `API: ${operation}`, href: `/docs/api#/${encodeURIComponent(tag)}/${operation}` };
}
