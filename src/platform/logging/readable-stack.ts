import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join } from 'node:path';

/** A line of the trace, and a place in the bundle within it: file, line and column, from 1. The message before them may be anybody's text. */
const LINE = /^ {4}at .*$/gm;
const PLACE = /([^\s():]+\.cjs):(\d+):(\d+)/;

/** The source map of each bundle; null for a file that has none. */
const maps = new Map<string, SourceMap | null>();

/**
 * Returns the stack trace of an error with TypeScript's files and lines. Only for what is written: reading the map takes some 100 ms, once. A
 * hook in V8 (`--enable-source-maps`, source-map-support) would do so for each trace that is merely looked at, as Node's streams do when
 * a socket fails.
 */
export function readableStack({ stack }: Error): string | undefined {
  return stack?.replace(LINE, (frame) =>
    frame.replace(PLACE, (place, file: string, line: string, column: string) => {
      const entry = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1);
      if (!entry || !('originalSource' in entry)) return place;
      return `${join(file, '..', entry.originalSource)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    }),
  );
}

function mapOf(file: string): SourceMap | null {
  let map = maps.get(file);
  if (map === undefined) {
    map = readMap(`${file}.map`);
    maps.set(file, map);
  }
  return map;
}

/** Without a map that can be read, the trace is written as it is. */
function readMap(path: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(path, 'utf8')) as SourceMapPayload);
  } catch {
    return null;
  }
}
