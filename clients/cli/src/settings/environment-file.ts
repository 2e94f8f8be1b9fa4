import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { parseEnv } from 'node:util';

/** `npm start` writes it into the project's directory, for its commands and for `. .usher/env` in a shell. */
const NAME = join('.usher', 'env');

/**
 * Returns the variables of the nearest `.usher/env` in this directory or above it; none when there is no such file. One that belongs to
 * another account is passed over: in a shared directory it would send this person's calls elsewhere.
 */
export function readEnvironmentFile(directory: string): Record<string, string | undefined> {
  for (let at = directory; ; at = dirname(at)) {
    const file = join(at, NAME);
    if (isOurs(file)) return parseEnv(readFileSync(file, 'utf8'));
    if (at === dirname(at)) return {};
  }
}

function isOurs(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && found.uid === (process.getuid?.() ?? found.uid);
}
