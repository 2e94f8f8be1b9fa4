import type { ShownRequest } from '../back-office/curl.js';

/** The name of the page's edge node: src/demo/edge/pretend-edge.service.ts. */
const EDGE_ID = 'demo-edge';

/** What the edge node asks before the first byte. */
export function startStreamRequest(userId: string, deviceId: string, titleId: string): ShownRequest {
  return {
    method: 'POST',
    path: '/v1/streams',
    authorizedBy: 'service_key',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId, deviceId, titleId, edgeId: EDGE_ID }),
  };
}

/** What the edge node says when the viewer has left. */
export function endStreamRequest(streamId: string): ShownRequest {
  return {
    method: 'DELETE',
    path: `/v1/streams/${encodeURIComponent(streamId)}`,
    authorizedBy: 'service_key',
    headers: {},
  };
}

/** What a device without a socket asks to catch up. */
export function readStateRequest(): ShownRequest {
  return { method: 'GET', path: '/v1/me/state', authorizedBy: 'user_token', headers: {} };
}
