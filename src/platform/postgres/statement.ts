import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Statement } from './database.js';

/** SQL text of other folders' tables, by the name under which the statement includes it: `{{name}}`. */
export type Fragments = Readonly<Record<string, string>>;

/**
 * Reads a statement from the .sql file beside its store; each `{{name}}` in it is replaced by the fragment of that name. Throws
 * when a fragment is missing.
 */
export function statement(file: string, from: string, fragments: Fragments = {}): Statement {
  const text = readFileSync(new URL(file, from), 'utf8').replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const fragment = fragments[name];
    if (fragment === undefined) throw new Error(`${file} needs the fragment "${name}"`);
    return fragment;
  });
  return named(file.replace(/\.sql$/, ''), text);
}

/** A statement with a name that carries its text's hash, so that a changed text is prepared anew. */
export function named(name: string, text: string): Statement {
  return { name: `${name}:${createHash('sha256').update(text).digest('hex').slice(0, 8)}`, text };
}
