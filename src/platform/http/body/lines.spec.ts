import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LineSplitter, type TextLine, readLines } from './lines.js';

async function read(chunks: readonly Uint8Array[], maxBytes = 1_000): Promise<TextLine[]> {
  async function* stream() {
    yield* chunks;
  }
  const found: TextLine[] = [];
  for await (const batch of readLines(stream(), maxBytes)) found.push(...batch);
  return found;
}
const readText = (text: string, maxBytes?: number): Promise<TextLine[]> =>
  read([Buffer.from(text)], maxBytes);

/** The file in chunks, cut at these places. */
function chunksOf(file: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (file.length + 1)).sort((a, b) => a - b), file.length];
  return at.slice(1).map((end, n) => file.subarray(at[n], end));
}

const text = fc.string({
  unit: fc.constantFrom('a', '{', '}', '"', 'é', '😀', ' ', '\r', '\n', '\n'),
  maxLength: 60,
});

describe('a file in lines', () => {
  test('numbers its lines from 1; empty ones are counted but not yielded; the last needs no newline', async () => {
    expect(await readText('one\n\n  \r\nfour\nfive')).toEqual([
      { number: 1, text: 'one' },
      { number: 4, text: 'four' },
      { number: 5, text: 'five' },
    ]);
  });

  test('an empty file has no lines', async () => {
    expect(await readText('')).toEqual([]);
    expect(await read([])).toEqual([]);
  });

  test('a line of maxBytes is whole; of a line with one more only the number is yielded', async () => {
    expect(await readText('12345\n123456\n1\n', 5)).toEqual([
      { number: 1, text: '12345' },
      { number: 2, tooLong: true },
      { number: 3, text: '1' },
    ]);
  });

  test('length is counted in bytes, not characters', async () => {
    expect(await readText('éé\nééé', 5)).toEqual([
      { number: 1, text: 'éé' },
      { number: 2, tooLong: true },
    ]);
  });

  test('a last line that is too long is yielded too', async () => {
    expect(await readText('1\n123456', 5)).toEqual([
      { number: 1, text: '1' },
      { number: 2, tooLong: true },
    ]);
  });

  test('the lines do not depend on the chunks, even when a character is cut in two', async () => {
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.integer({ min: 1, max: 12 }),
        async (file, places, maxBytes) => {
          const whole = file.split('\n').flatMap((line, index): TextLine[] => {
            if (Buffer.byteLength(line) > maxBytes) return [{ number: index + 1, tooLong: true }];
            return line.trim() === '' ? [] : [{ number: index + 1, text: line }];
          });
          expect(await read(chunksOf(Buffer.from(file), places), maxBytes)).toEqual(whole);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('another splitter goes on where one has stopped, wherever that is', () => {
    fc.assert(
      fc.property(text, fc.nat(), fc.integer({ min: 1, max: 12 }), (file, place, maxBytes) => {
        const bytes = Buffer.from(file);
        const at = place % (bytes.length + 1);
        const whole = new LineSplitter(maxBytes);
        const first = new LineSplitter(maxBytes);
        const before = first.split(bytes.subarray(0, at));
        const second = new LineSplitter(maxBytes, first.state);
        const after = [...second.split(bytes.subarray(at)), ...second.end()];
        expect([...before, ...after]).toEqual([...whole.split(bytes), ...whole.end()]);
      }),
      { numRuns: 500 },
    );
  });

  test('buffers at most one line: of an endless one nothing is kept', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    let sentBytes = 0;
    async function* endless() {
      for (let n = 0; n < 500; n += 1) {
        sentBytes += chunk.length;
        yield chunk;
      }
      yield Buffer.from('\nnext\n');
    }
    const before = process.memoryUsage().arrayBuffers;
    const found: TextLine[] = [];
    for await (const batch of readLines(endless(), 1_000)) found.push(...batch);
    expect(found).toEqual([
      { number: 1, tooLong: true },
      { number: 2, text: 'next' },
    ]);
    expect(sentBytes).toBe(500 * chunk.length);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * chunk.length);
  });
});
