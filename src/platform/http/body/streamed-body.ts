import { createGunzip } from 'node:zlib';
import type { Request } from 'express';
import { Problem } from '../problem.js';

/** The calls whose bodies are files of any length: they are read as they come, by whoever handles the call. */
const STREAMED = /^\/v1\/(recommendations|audiences\/[^/]+\/members)$/;

/** Whether the body of a call at this path is left to its handler. */
export const isStreamed = (path: string): boolean => STREAMED.test(path);

/** Returns the decompressed body. Throws Problem unsupported_media_type for another encoding than gzip. */
export function streamedBody(request: Request): AsyncIterable<Uint8Array> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  // Whoever stops reading must not end the connection: the response is still to be sent.
  if (encoding === 'identity')
    return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
  if (encoding === 'gzip') return gunzipped(request);
  throw new Problem('unsupported_media_type', 'The body may be plain or gzip.');
}

/** In constant memory, so that it does not matter how much comes out. Throws what zlib throws for a stream that is broken or cut off. */
async function* gunzipped(request: Request): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  request.on('error', (error) => gunzip.destroy(error));
  request.pipe(gunzip);
  yield* gunzip as AsyncIterable<Uint8Array>;
}
