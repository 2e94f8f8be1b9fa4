import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Statement } from './database.js';

/** Reads a statement from the .sql file beside its store. The name carries the text's hash, so that a changed text is prepared anew. */
export function statement(file: string, from: string): Statement {
  return named(file.replace(/\.sql$/, ''), readFileSync(new URL(file, from), 'utf8'));
}

export function named(name: string, text: string): Statement {
  return { name: `${name}:${createHash('sha256').update(text).digest('hex').slice(0, 8)}`, text };
}
