const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
/** PostgreSQL's type id of `text`. */
const TEXT_TYPE = 25;

/**
 * Returns texts as a parameter of type text[] in PostgreSQL's binary format (array_recv in its source): pg would send them as one
 * string, in which every quote of the JSON texts has to be escaped, and parsed again by the server. Its memory is its own, so that it can
 * be moved between threads.
 */
export function textArray(texts: readonly string[]): Buffer<ArrayBuffer> {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const size = lengths.reduce((sum, length) => sum + LENGTH_BYTES + length, HEADER_BYTES);
  const array = Buffer.allocUnsafeSlow(size);
  // Dimensions, whether there are nulls, element type, length, lower bound.
  [1, 0, TEXT_TYPE, texts.length, 1].forEach((field, n) => array.writeInt32BE(field, n * LENGTH_BYTES));
  let at = HEADER_BYTES;
  for (const [n, text] of texts.entries()) {
    const length = lengths[n] as number;
    at = array.writeInt32BE(length, at);
    at += array.write(text, at, length, 'utf8');
  }
  return array;
}

/** Returns the texts of an array that `textArray` has made. */
export function textsOf(array: Buffer): string[] {
  const texts: string[] = [];
  for (let at = HEADER_BYTES; at < array.length;) {
    const start = at + LENGTH_BYTES;
    at = start + array.readInt32BE(at);
    texts.push(array.toString('utf8', start, at));
  }
  return texts;
}

/** Returns one of the texts of such an array, by its place from 0; the array has it. */
export function textAt(array: Buffer, place: number): string {
  let at = HEADER_BYTES;
  for (let n = 0; n < place; n += 1) at += LENGTH_BYTES + array.readInt32BE(at);
  const start = at + LENGTH_BYTES;
  return array.toString('utf8', start, start + array.readInt32BE(at));
}
