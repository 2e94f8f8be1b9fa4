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
  /** Of a value that fits none of several forms: what is wrong by each of them. */
  readonly errors?: readonly (readonly Issue[])[];
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

function errorsOf(issue: Issue): { path: string; message: string }[] {
  const { message, path = [], keys } = issue;
  const meant = formMeant(issue);
  if (meant) return meant.flatMap((one) => errorsOf({ ...one, path: [...path, ...(one.path ?? [])] }));
  return keys === undefined
    ? [{ path: pathOf(path), message }]
    : message
        .split('\n')
        .map((line, n) => ({ path: pathOf([...path, shownField(keys[n] ?? '')]), message: line }));
}

/** What zod says where a schema has no sentence of its own for a value that fits none of its forms, and of a field that is missing. */
const NO_FORM = 'Invalid input';
const isMissing = ({ message }: Issue): boolean => message.endsWith('received undefined');

/**
 * Returns what is wrong with a value by the form that was probably meant: the first one of those that miss the fewest fields. Undefined where
 * there are no forms, where the schema itself says what is wrong, and for plain values, of which each form would only say that it is another one.
 */
function formMeant({ message, errors = [] }: Issue): readonly Issue[] | undefined {
  if (message !== NO_FORM) return undefined;
  const missing = (form: readonly Issue[]) => form.filter(isMissing).length;
  const [meant] = errors.toSorted((a, b) => missing(a) - missing(b));
  return meant?.every(({ path = [] }) => path.length > 0) ? meant : undefined;
}

const pathOf = (path: readonly unknown[] | undefined): string =>
  (path ?? [])
    .map((step) => String(typeof step === 'object' && step !== null && 'key' in step ? step.key : step))
    .join('.');
