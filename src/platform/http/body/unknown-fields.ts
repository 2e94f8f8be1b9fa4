import { z } from 'zod';

/** Fields longer than that are no misspelling, and not worth repeating. */
const MAX_SHOWN = 64;
/** One letter too many, too few or wrong, or two exchanged. */
const MAX_DISTANCE = 2;

const bare = (field: string): string => field.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** Returns how many letters must be inserted, removed or replaced to make one text of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Returns the known field that was probably meant: written in another way, or with a slip; undefined if none is close. */
export function closestField(field: string, known: readonly string[]): string | undefined {
  const given = bare(field.slice(0, MAX_SHOWN));
  const [closest] = known
    .map((name) => ({ name, far: distance(given, bare(name)) }))
    .filter(({ name, far }) => far <= Math.min(MAX_DISTANCE, name.length / 3))
    .toSorted((a, b) => a.far - b.far);
  return closest?.name;
}

/** Returns the field's name as far as it is repeated to the caller. */
export const shownField = (field: string): string =>
  field.length > MAX_SHOWN ? `${field.slice(0, MAX_SHOWN)}…` : field;

const messageFor = (field: string, known: readonly string[]): string => {
  const meant = closestField(field, known);
  return meant === undefined ? 'unknown field' : `unknown field; did you mean ${meant}?`;
};

/** Further fields are left out of messages; the response lists ten errors at most. */
const MAX_FIELDS = 10;

/** Zod reports all unknown fields of an object as one issue, whose message has a line for each: see invalidRequest. */
function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'unrecognized_keys') return undefined;
  const known = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : [];
  return issue.keys.slice(0, MAX_FIELDS).map((field) => messageFor(field, known)).join('\n'); // prettier-ignore
}

/** Has every strict schema of the process name its unknown fields, with the one that was probably meant. */
export const nameUnknownFields = (): void => void z.config({ customError: messageOf });
