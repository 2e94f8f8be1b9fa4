import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join } from 'node:path';

/** A place in the bundle: file, line and column, from 1. */
const PLACE = /(?<=[( ])([^():\n]+\.cjs):(\d+):(\d+)/g;

/** The source map of each bundle; null for a file that has none. */
const maps = new Map<string, SourceMap | null>();

/**
 * Returns the stack trace of an error with TypeScript's files and lines. Only for what is written: reading the map takes some 100 ms, once. A
 * hook in V8 (`--enable-source-maps`, source-map-support) would do so for each trace that is merely looked at, as Node's streams do when
 * a socket fails.
 */
export function readableStack({ stack }: Error): string | undefined {
  return stack?.replace(PLACE, (place, file: string, line: string, column: string) => {
    const entry = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (!entry || !('originalSource' in entry)) return place;
    return `${join(file, '..', entry.originalSource)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

function mapOf(file: string): SourceMap | null {
  let map = maps.get(file);
  if (map === undefined) {
    map = existsSync(`${file}.map`)
      ? new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload)
      : null;
    maps.set(file, map);
  }
  return map;
}
