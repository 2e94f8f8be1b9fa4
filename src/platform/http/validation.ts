import type { z } from 'zod';
import { shownField } from './body/unknown-fields.js';
import { Problem } from './problem.js';

/** Returns the parsed value. Throws Problem invalid_request, which names the wrong fields but never their values. */
export function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidRequest(result.error.issues);
}

/** The path and message of a validation error's first issue. */
export function firstIssue(issues: readonly Issue[]): { path: string; message: string } {
  const [first = { path: '', message: '' }] = issues.slice(0, 1).flatMap(errorsOf);
  return first;
}

/** What zod says is wrong; no value is in it. */
interface Issue {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
  /** Unknown fields; the message has a line for each (unknown-fields.ts). */
  readonly keys?: readonly string[];
}

/** Further errors are left out, so that the response to a hostile body stays small. */
const MAX_ERRORS = 10;

/** Returns the Problem invalid_request for validation errors: `errors` lists path and message, `detail` repeats the first one. */
export function invalidRequest(issues: readonly Issue[]): Problem {
  const errors = issues.slice(0, MAX_ERRORS).flatMap(errorsOf).slice(0, MAX_ERRORS);
  const first = errors[0];
  return new Problem(
    'invalid_request',
    first ? `${first.path}: ${first.message}`.replace(/^: /, '') : undefined,
    { errors },
  );
}

const errorsOf = ({ message, path = [], keys }: Issue): { path: string; message: string }[] =>
  keys === undefined
    ? [{ path: pathOf(path), message }]
    : message
        .split('\n')
        .map((line, n) => ({ path: pathOf([...path, shownField(keys[n] ?? '')]), message: line }));

const pathOf = (path: readonly unknown[] | undefined): string =>
  (path ?? [])
    .map((step) => String(typeof step === 'object' && step !== null && 'key' in step ? step.key : step))
    .join('.');
