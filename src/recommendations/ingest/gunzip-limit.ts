import type { Readable, Transform } from 'node:stream';
import { Problem } from '../../platform/http/problem.js';

/** Honest front pages compress to a tenth or so; a thousandth is a bomb. */
const MAX_RATIO = 100;
const ALWAYS_ALLOWED_BYTES = 8 * 1024 * 1024;

/** Unpacks a stream. Throws payload_too_large when it unpacks to far more than it holds. Memory stays constant either way. */
export async function* gunzipWithLimit(packed: Readable, unpack: Transform): AsyncGenerator<Uint8Array> {
  let read = 0;
  let given = 0;
  packed.on('data', (chunk: Buffer) => (read += chunk.length));
  packed.on('error', (error) => unpack.destroy(error));
  packed.pipe(unpack);
  for await (const chunk of unpack as AsyncIterable<Uint8Array>) {
    given += chunk.length;
    if (given > ALWAYS_ALLOWED_BYTES && given > read * MAX_RATIO) {
      packed.unpipe(unpack);
      throw new Problem('payload_too_large', 'The body unpacks to far more than it holds.');
    }
    yield chunk;
  }
}
