/** A line of a file, by its number from 1; `tooLong` lines come without their text. */
export type NdjsonLine =
  { readonly number: number; readonly text: string } | { readonly number: number; readonly tooLong: true };

const NEWLINE = 0x0a;

/**
 * Cuts a stream of bytes into lines, holding one line at most `maxBytes` long. A longer one is skipped, not kept. Empty
 * lines count but are not given. The last line need not end with a newline.
 */
export async function* readLines(
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<NdjsonLine[]> {
  const cutter = new LineCutter(maxBytes);
  for await (const chunk of bytes) {
    const cut = cutter.cut(chunk);
    if (cut.length > 0) yield cut;
  }
  const last = cutter.end();
  if (last.length > 0) yield last;
}

class LineCutter {
  private number = 0;
  private parts: Uint8Array[] = [];
  private length = 0;
  private readonly decoder = new TextDecoder();

  constructor(private readonly maxBytes: number) {}

  cut(chunk: Uint8Array): NdjsonLine[] {
    const cut: NdjsonLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.keep(chunk.subarray(start, end));
      this.finish(cut);
      start = end + 1;
    }
    this.keep(chunk.subarray(start));
    return cut;
  }

  end(): NdjsonLine[] {
    const cut: NdjsonLine[] = [];
    if (this.length > 0) this.finish(cut);
    return cut;
  }

  private keep(part: Uint8Array): void {
    this.length += part.length;
    if (this.length <= this.maxBytes && part.length > 0) this.parts.push(part);
    else if (this.length > this.maxBytes) this.parts = [];
  }

  private finish(cut: NdjsonLine[]): void {
    this.number += 1;
    const { number, length, parts } = this;
    this.parts = [];
    this.length = 0;
    if (length === 0) return; // a flood of newlines costs nothing but counting
    if (length > this.maxBytes) return void cut.push({ number, tooLong: true });
    const text = this.decoder.decode(parts.length === 1 ? parts[0] : Buffer.concat(parts));
    if (text.trim().length > 0) cut.push({ number, text });
  }
}
