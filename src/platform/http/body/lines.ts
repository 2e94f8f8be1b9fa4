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

/** Where a splitter is in its file, for another one that goes on from there. */
export interface SplitterState {
  /** Lines so far. */
  readonly number: number;
  /** The bytes of the line that has not ended yet; none of one that is too long already. */
  readonly unfinished: Uint8Array;
  /** How many bytes that line has so far. */
  readonly length: number;
}

/** The same for a file that comes piece by piece. */
export class LineSplitter {
  private number: number;
  private parts: Uint8Array[];
  private length: number;
  private readonly decoder = new TextDecoder();

  constructor(
    private readonly maxBytes: number,
    { number, unfinished, length }: SplitterState = { number: 0, unfinished: new Uint8Array(), length: 0 },
  ) {
    this.number = number;
    this.parts = unfinished.length > 0 ? [unfinished] : [];
    this.length = length;
  }

  get state(): SplitterState {
    const { number, parts, length } = this;
    return { number, unfinished: Buffer.concat(parts), length };
  }

  /** Returns the lines that end in these bytes. */
  split(chunk: Uint8Array): TextLine[] {
    const lines: TextLine[] = [];
    let start = 0;
    for (;;) {
      // A file of newlines compresses to a thousandth: they must cost next to nothing.
      for (; this.length === 0 && chunk[start] === NEWLINE; start += 1) this.number += 1;
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.buffer(chunk.subarray(start, end));
      this.finishLine(lines);
      start = end + 1;
    }
    this.buffer(chunk.subarray(start));
    return lines;
  }

  /** Returns the last line, if it has no newline. */
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
    if (length > this.maxBytes) return void lines.push({ number, tooLong: true });
    const text = this.decoder.decode(parts.length === 1 ? parts[0] : Buffer.concat(parts));
    if (text.trim().length > 0) lines.push({ number, text });
  }
}
