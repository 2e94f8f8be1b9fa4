const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
/** PostgreSQL's type id of `text`. */
const TEXT_TYPE = 25;

/**
 * Returns texts as a parameter of type text[] in PostgreSQL's binary format (array_recv in its source): pg would send them as one
 * string, in which every quote of the JSON texts has to be escaped, and parsed again by the server.
 */
export function textArray(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const size = lengths.reduce((sum, length) => sum + LENGTH_BYTES + length, HEADER_BYTES);
  const array = Buffer.allocUnsafe(size);
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
