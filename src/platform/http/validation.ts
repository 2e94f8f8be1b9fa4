import type { z } from 'zod';
import { Problem } from './problem.js';

/** The value in the schema's shape, or Problem invalid_request that says which fields are wrong (never their values). */
export function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidRequest(result.error.issues);
}

/** At most this many faults are told: the answer to hostile input stays small. */
const MAX_FAULTS = 10;

export function invalidRequest(
  issues: readonly { message: string; path?: readonly unknown[] | undefined }[],
): Problem {
  const errors = issues
    .slice(0, MAX_FAULTS)
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
