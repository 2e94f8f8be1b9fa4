/*
 * A small edge node. It sends bytes at the bitrate of a film to players that show a lease, and stops when Usher stops the
 * stream or the lease expires.
 *
 *   USHER_URL=http://127.0.0.1:3000 USHER_EDGE_KEY=usk_… EDGE_ID=edge-1 PORT=8081 node clients/edge/example/server.mjs
 *
 *   GET /video/{title}   Authorization: Bearer <lease>   the film; cut off in the middle when it must stop
 *   GET /check           for nginx's auth_request (nginx.conf in this folder): 204, 401, 403 or 503
 *   GET /health          { connected }: whether Usher can stop streams at this moment
 *
 * The lease comes from POST /v1/streams, which the service that starts playback calls with this node's EDGE_ID.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Edge, LeaseRefused } from '@usher/edge';

const { USHER_URL, USHER_EDGE_KEY, EDGE_ID = 'edge-1', PORT = '8081', HOST = '127.0.0.1' } = process.env;
if (!USHER_URL || !USHER_EDGE_KEY)
  throw new Error('Set USHER_URL and USHER_EDGE_KEY (a key with the scope "edge").');

/** 16 KiB every 26 ms are 5 Mbit/s, the bitrate of a film in HD. */
const CHUNK = Buffer.alloc(16 * 1024, 'film');
const CHUNK_INTERVAL_MS = 26;
/** A stream without a viewer for this long is ended, which frees its slot. Seeking or the next segment takes less. */
const IDLE_TIMEOUT_MS = 15_000;

const edge = new Edge({
  url: USHER_URL,
  key: USHER_EDGE_KEY,
  edgeId: EDGE_ID,
  onError: (action, error) =>
    console.error(`${action}: ${error instanceof Error ? error.message : String(error)}`),
});

/** For each stream id: how many responses are being sent, and the idle timer while there are none. */
const viewers = new Map();

const server = createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    response.destroy();
  });
});
server.listen(Number(PORT), HOST, () =>
  console.log(`edge node ${EDGE_ID} on http://${HOST}:${server.address().port}`),
);

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop());

async function stop() {
  server.close();
  await edge.close();
  server.closeAllConnections();
}

async function handle(request, response) {
  const { pathname } = new URL(request.url, 'http://edge');
  if (pathname === '/health') return response.end(JSON.stringify({ connected: edge.connected }));
  if (pathname !== '/check' && !pathname.startsWith('/video/')) return response.writeHead(404).end();
  const stream = await authorize(request, response);
  if (!stream) return;
  // The newest lease. A player that fetches segments shows it with its next request.
  response.setHeader('Usher-Lease', stream.lease.token);
  const removeViewer = addViewer(stream);
  if (pathname === '/check') {
    removeViewer();
    return response.writeHead(204).end();
  }
  response.once('close', removeViewer);
  await sendVideo(response, stream);
}

/** Returns the stream of the player's lease, or undefined after it has refused the request. */
async function authorize(request, response) {
  const lease = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (!lease) return void response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
  try {
    return await edge.adopt(lease);
  } catch (error) {
    if (!(error instanceof LeaseRefused)) throw error;
    const status =
      error.fault === 'unverifiable' ? 503 : error.fault === 'stopped' || error.fault === 'stale' ? 403 : 401;
    return void response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ fault: error.fault }));
  }
}

/** Sends paced bytes until the player disconnects or the stream must stop. */
async function sendVideo(response, { signal }) {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const over = AbortSignal.any([signal, gone.signal]);
  over.addEventListener('abort', () => response.destroy(), { once: true });
  response.writeHead(200, { 'content-type': 'video/mp4', 'cache-control': 'no-store' });
  while (!over.aborted) {
    // Backpressure: wait for a player that reads slowly.
    if (!response.write(CHUNK)) await once(response, 'drain', { signal: over }).catch(() => {});
    await sleep(CHUNK_INTERVAL_MS);
  }
}

/** Counts a viewer of the stream. Returns the function that removes it; the last removal starts the idle timer. */
function addViewer(stream) {
  const entry = viewers.get(stream.streamId) ?? { count: 0, idleTimer: undefined };
  viewers.set(stream.streamId, entry);
  clearTimeout(entry.idleTimer);
  entry.count += 1;
  return () => {
    entry.count -= 1;
    if (entry.count > 0) return;
    entry.idleTimer = setTimeout(() => {
      viewers.delete(stream.streamId);
      void stream.end();
    }, IDLE_TIMEOUT_MS).unref();
    if (stream.signal.aborted) viewers.delete(stream.streamId);
  };
}
