import type { z } from 'zod';
import { parseJson } from '../../parse-json.js';
import { type ProblemCode, PROBLEMS } from '../problem.js';
import { isStorableJson } from '../text.schema.js';
import { firstIssue } from '../validation.js';
import { jsonDeeperThan } from './json-depth.js';
import type { TextLine } from './lines.js';

/** The longest line of a file. */
export const MAX_LINE_BYTES = 256 * 1024;
const TOO_LONG = 'The line has more than 256 KiB';
const MAX_JSON_DEPTH = 16;
/** Rejected lines that a response lists; further ones are only counted. */
const MAX_LISTED_REJECTIONS = 1_000;

/** A line that was not taken: its number from 1, and why. Neither path nor message has a value of the line. */
export interface RejectedLine {
  readonly line: number;
  readonly code: ProblemCode;
  /** The wrong field, as `items.3`; empty for the whole line. */
  readonly path: string;
  readonly message: string;
}

/** The lines that were rejected so far. `rejected` lists at most a thousand. */
export interface Rejections {
  rejectedCount: number;
  rejected: RejectedLine[];
}

/** Returns the value of a line of NDJSON, or why it is rejected. */
export function readJsonLine<S extends z.ZodType>(
  { number: line, ...read }: TextLine,
  schema: S,
): { readonly line: number; readonly value: z.output<S> } | RejectedLine {
  if ('tooLong' in read) return tooLong(line);
  const { text } = read;
  if (jsonDeeperThan(Buffer.from(text), MAX_JSON_DEPTH)) return rejection(line, 'too_deep');
  const json = parseJson(text);
  if (json === undefined) return rejection(line, 'malformed_json', { message: 'The line is not JSON' });
  // Characters that PostgreSQL cannot store come only as \u escapes: a line without one need not be checked.
  if (text.includes('\\u') && !isStorableJson(JSON.stringify(json)))
    return rejection(line, 'invalid_request', { message: 'It has a character that cannot be stored' });
  return checkedLine(line, json, schema);
}

/** Returns the value if it fits the schema, or why its line is rejected. */
export function checkedLine<S extends z.ZodType>(
  line: number,
  given: unknown,
  schema: S,
): { readonly line: number; readonly value: z.output<S> } | RejectedLine {
  const parsed = schema.safeParse(given);
  return parsed.success
    ? { line, value: parsed.data }
    : rejection(line, 'invalid_request', firstIssue(parsed.error.issues));
}

/** Why a line of more than MAX_LINE_BYTES is rejected. */
export const tooLong = (line: number): RejectedLine =>
  rejection(line, 'payload_too_large', { message: TOO_LONG });

/** `why`: by default the line as a whole, with the title of the code. */
export const rejection = (
  line: number,
  code: ProblemCode,
  why: { readonly path?: string; readonly message?: string } = {},
): RejectedLine => ({ line, code, path: '', message: PROBLEMS[code].title, ...why });

/** Counts a rejected line, and lists it if there is room. */
export function reject(tally: Rejections, rejected: RejectedLine): void {
  tally.rejectedCount += 1;
  if (tally.rejected.length < MAX_LISTED_REJECTIONS) tally.rejected.push(rejected);
}

/** Counts lines that were rejected elsewhere, and lists them while there is room. */
export function rejectAll(tally: Rejections, { rejectedCount, rejected }: Rejections): void {
  tally.rejectedCount += rejectedCount;
  tally.rejected.push(...rejected.slice(0, MAX_LISTED_REJECTIONS - tally.rejected.length));
}
