import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Statement } from './database.js';

/** SQL over other folders' tables, by the name with which a statement includes it: `{{name}}`. */
export type Fragments = Readonly<Record<string, string>>;

const known = new Map<string, Statement>();

/** Every statement that was made so far. tools/explain-statements.mjs shows their plans, and a test checks them. */
export const knownStatements = (): Statement[] => [...known.values()];

/**
 * Returns the statement in the .sql file `file` beside the module `from` (its `import.meta.url`), with each `{{name}}` replaced
 * by the fragment of that name. Throws when a fragment is missing.
 */
export function statement(file: string, from: string, fragments: Fragments = {}): Statement {
  return named(file.replace(/\.sql$/, ''), fragment(file, from, fragments));
}

/** Returns the text of a .sql file that is a part of statements; the rest as `statement`. */
export function fragment(file: string, from: string, fragments: Fragments = {}): string {
  return readFileSync(new URL(file, from), 'utf8').replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const text = fragments[name];
    if (text === undefined) throw new Error(`${file} needs the fragment "${name}"`);
    return text;
  });
}

/**
 * Returns a prepared statement whose name ends with a hash of its text, so that a changed text is never taken for the old one.
 */
export function named(name: string, text: string): Statement {
  const made = { name: `${name}:${createHash('sha256').update(text).digest('hex').slice(0, 8)}`, text };
  known.set(made.name, made);
  return made;
}

/**
 * SQL: the value of a parameter of this type, which the planner does not look at. It compares plans for the values at hand with one for all values, and
 * takes a short list or a small LIMIT for so much cheaper that it plans anew at each use: often longer than the statement itself takes.
 */
export const forAnyValue = (parameter: string, type: string): string =>
  `(SELECT ${parameter}::${type})::${type}`;

/**
 * Returns the statement, to be planned at each use. For statements on hundreds of rows: the one plan for all values of a prepared
 * statement takes an array for ten rows, and compares each row with each other one. Planning takes a millisecond or two. Its text begins with its
 * name, since PostgreSQL's log and statistics show names of prepared statements only.
 */
export const plannedEachTime = ({ name, text }: Statement): Statement => ({
  name,
  text: `/* ${name} */ ${text}`,
  isPlannedEachTime: true,
});
