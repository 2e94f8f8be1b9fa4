import type { z } from 'zod';
import { Problem } from './problem.js';

/** Returns the parsed value. Throws Problem invalid_request, which names the wrong fields but never their values. */
export function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidRequest(result.error.issues);
}

/** The path and message of a validation error's first issue. */
export function firstIssue(issues: readonly Issue[]): { path: string; message: string } {
  const [issue = { message: '' }] = issues;
  return { path: pathOf(issue.path), message: issue.message };
}

/** What zod says is wrong; no value is in it. */
interface Issue {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
}

/** Further errors are left out, so that the response to a hostile body stays small. */
const MAX_ERRORS = 10;

/** Returns the Problem invalid_request for validation errors: `errors` lists path and message, `detail` repeats the first one. */
export function invalidRequest(issues: readonly Issue[]): Problem {
  const errors = issues
    .slice(0, MAX_ERRORS)
    .map((issue) => ({ path: pathOf(issue.path), message: issue.message }));
  const first = errors[0];
  return new Problem(
    'invalid_request',
    first ? `${first.path}: ${first.message}`.replace(/^: /, '') : undefined,
    { errors },
  );
}

const pathOf = (path: readonly unknown[] | undefined): string =>
  (path ?? [])
    .map((step) => String(typeof step === 'object' && step !== null && 'key' in step ? step.key : step))
    .join('.');
