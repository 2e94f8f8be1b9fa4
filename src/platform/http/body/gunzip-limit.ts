import type { Readable, Transform } from 'node:stream';
import { Problem } from '../problem.js';

/** Real front pages compress to about a tenth. More than a hundredfold is a decompression bomb. */
const MAX_RATIO = 100;
/** Decompressed bytes below which the ratio does not matter. */
const ALWAYS_ALLOWED_BYTES = 8 * 1024 * 1024;

/**
 * Decompresses a stream with `gunzip`, in constant memory. Throws Problem payload_too_large when the output is more
 * than a hundred times the input, and what `gunzip` throws for a broken stream.
 */
export async function* gunzipWithLimit(compressed: Readable, gunzip: Transform): AsyncGenerator<Uint8Array> {
  let inputBytes = 0;
  let outputBytes = 0;
  compressed.on('data', (chunk: Buffer) => (inputBytes += chunk.length));
  compressed.on('error', (error) => gunzip.destroy(error));
  compressed.pipe(gunzip);
  for await (const chunk of gunzip as AsyncIterable<Uint8Array>) {
    outputBytes += chunk.length;
    if (outputBytes > ALWAYS_ALLOWED_BYTES && outputBytes > inputBytes * MAX_RATIO) {
      compressed.unpipe(gunzip);
      throw new Problem('payload_too_large', 'The body unpacks to far more than it holds.');
    }
    yield chunk;
  }
}
