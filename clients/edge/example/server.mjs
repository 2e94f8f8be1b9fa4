/*
 * An edge node in small: sends bytes at the pace of a film to players that show a lease, and not one after Usher said stop or
 * the lease ended.
 *
 *   USHER_URL=http://127.0.0.1:3000 USHER_EDGE_KEY=usk_… EDGE_ID=edge-1 PORT=8081 node clients/edge/example/server.mjs
 *
 *   GET /video/{title}   Authorization: Bearer <lease>   the film, paced; cut off in mid-stream when it must stop
 *   GET /check           the same, as nginx's auth_request asks it (nginx.conf beside this file): 204, 401 or 403
 *
 * The lease comes from POST /v1/streams, which whoever begins playback calls with this node's EDGE_ID.
 */
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Edge, LeaseRefused } from '@usher/edge';

const { USHER_URL, USHER_EDGE_KEY, EDGE_ID = 'edge-1', PORT = '8081', HOST = '127.0.0.1' } = process.env;
if (!USHER_URL || !USHER_EDGE_KEY)
  throw new Error('Set USHER_URL and USHER_EDGE_KEY (a key with the scope "edge").');

/** 5 Mbit/s, as a film of HD quality has. */
const CHUNK = Buffer.alloc(16 * 1024, 'film');
const CHUNK_EVERY_MS = 26;
/** A stream that nobody watches any more gives its slot back. A player that seeks, or fetches segments, comes back sooner. */
const IDLE_MS = 15_000;

const edge = new Edge({
  url: USHER_URL,
  key: USHER_EDGE_KEY,
  edgeId: EDGE_ID,
  onTrouble: (what, error) =>
    console.error(`${what}: ${error instanceof Error ? error.message : String(error)}`),
});

/** Answers being sent for each stream, and the timer that runs while there are none. */
const watching = new Map();

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
  const stream = await admitted(request, response);
  if (!stream) return;
  // A player that fetches piece by piece shows this one next time.
  response.setHeader('Usher-Lease', stream.lease.token);
  const leave = enter(stream);
  if (pathname === '/check') {
    leave();
    return response.writeHead(204).end();
  }
  response.once('close', leave);
  await send(response, stream);
}

/** The stream whose lease the player shows; answers the player itself when there is none. */
async function admitted(request, response) {
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

/** Paced bytes until the film ends, the player goes, or the stream must stop. */
async function send(response, { signal }) {
  const stop = () => response.destroy();
  signal.addEventListener('abort', stop, { once: true });
  response.writeHead(200, { 'content-type': 'video/mp4', 'cache-control': 'no-store' });
  while (!signal.aborted && !response.destroyed) {
    // A player that reads slowly is waited for; nothing piles up here.
    if (!response.write(CHUNK)) await Promise.race([drained(response), aborted(signal)]);
    await pause(CHUNK_EVERY_MS);
  }
  signal.removeEventListener('abort', stop);
}

const drained = (response) =>
  new Promise((resolve) => {
    response.once('drain', resolve);
    response.once('close', resolve);
  });
const aborted = (signal) =>
  new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));

/** Somebody watches; the function that it gives says that they are gone. */
function enter(stream) {
  const here = watching.get(stream.streamId) ?? { count: 0, idle: undefined };
  watching.set(stream.streamId, here);
  clearTimeout(here.idle);
  here.count += 1;
  return () => {
    here.count -= 1;
    if (here.count > 0) return;
    here.idle = setTimeout(() => {
      watching.delete(stream.streamId);
      void stream.end();
    }, IDLE_MS).unref();
    if (stream.signal.aborted) watching.delete(stream.streamId);
  };
}
