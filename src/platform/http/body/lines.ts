/** A line of a file with its number, from 1. A line that is too long has no text. */
export type TextLine =
  { readonly number: number; readonly text: string } | { readonly number: number; readonly tooLong: true };

const NEWLINE = 0x0a;

/**
 * Splits a stream of bytes into lines and yields the lines of each chunk. Buffers one line of at most `maxBytes`; of a
 * longer line only the number is yielded. Empty lines are counted but not yielded. The last line need not end with a
 * newline.
 */
export async function* readLines(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<TextLine[]> {
  const splitter = new LineSplitter(maxBytes);
  for await (const chunk of bytes) {
    const lines = splitter.split(chunk);
    if (lines.length > 0) yield lines;
  }
  const last = splitter.end();
  if (last.length > 0) yield last;
}

class LineSplitter {
  private number = 0;
  private parts: Uint8Array[] = [];
  private length = 0;
  private readonly decoder = new TextDecoder();

  constructor(private readonly maxBytes: number) {}

  split(chunk: Uint8Array): TextLine[] {
    const lines: TextLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.buffer(chunk.subarray(start, end));
      this.finishLine(lines);
      start = end + 1;
    }
    this.buffer(chunk.subarray(start));
    return lines;
  }

  end(): TextLine[] {
    const lines: TextLine[] = [];
    if (this.length > 0) this.finishLine(lines);
    return lines;
  }

  private buffer(part: Uint8Array): void {
    this.length += part.length;
    if (this.length <= this.maxBytes && part.length > 0) this.parts.push(part);
    else if (this.length > this.maxBytes) this.parts = [];
  }

  private finishLine(lines: TextLine[]): void {
    this.number += 1;
    const { number, length, parts } = this;
    this.parts = [];
    this.length = 0;
    if (length === 0) return; // a flood of newlines must not cost an object each
    if (length > this.maxBytes) return void lines.push({ number, tooLong: true });
    const text = this.decoder.decode(parts.length === 1 ? parts[0] : Buffer.concat(parts));
    if (text.trim().length > 0) lines.push({ number, text });
  }
}
