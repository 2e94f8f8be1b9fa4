const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
/** PostgreSQL's type `text`. */
const TEXT = 25;

/**
 * Texts as a parameter of type text[], in PostgreSQL's binary form: pg would write them as one text, in which each quote of
 * JSON has to be escaped and then read again. https://www.postgresql.org/docs/current/protocol-overview.html, array_recv.
 */
export function textArray(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const size = lengths.reduce((sum, length) => sum + LENGTH_BYTES + length, HEADER_BYTES);
  const array = Buffer.allocUnsafe(size);
  // One dimension, no nulls, of text, so many, counted from 1.
  [1, 0, TEXT, texts.length, 1].forEach((field, n) => array.writeInt32BE(field, n * LENGTH_BYTES));
  let at = HEADER_BYTES;
  for (const [n, text] of texts.entries()) {
    const length = lengths[n] as number;
    at = array.writeInt32BE(length, at);
    at += array.write(text, at, length, 'utf8');
  }
  return array;
}
