import { z } from 'zod';
import { storableInstant } from '../auth/ids.schema.js';

/** Returns the place as text that is opaque to callers and fits into a URL: the `next` of a list. */
export const encodeCursor = (place: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url');

/** A schema for the `next` of an earlier response: its text becomes the place that encodeCursor was given, which `place` checks. */
export const cursorOf = <Place extends z.ZodType>(place: Place) =>
  z
    .string()
    .max(2_000)
    .transform((text, context): z.output<Place> => {
      const found = place.safeParse(decode(text));
      if (found.success) return found.data;
      context.addIssue({ code: 'custom', message: 'must be the `next` of an earlier response' });
      return z.NEVER;
    })
    .describe('The `next` of an earlier response');

/** A schema for the same or an instant, whose place `placeAt` returns. */
export const cursorOrInstant = <Place extends z.ZodType>(
  place: Place,
  placeAt: (instant: string) => z.output<Place>,
) =>
  z.union([storableInstant.transform(placeAt), cursorOf(place)], {
    error: 'must be the `next` of an earlier response, or an instant',
  });

/** Returns the first `limit` of the rows and, if there are more, the cursor of the last of them: read one row more than `limit`. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  placeOf: (row: Row) => readonly unknown[],
): { page: Row[]; next?: string } {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return last === undefined ? { page } : { page, next: encodeCursor(placeOf(last)) };
}

/** A schema for how many things a list returns at most: 1 to 500, 100 by default. */
export const listLimit = z.coerce.number().int().min(1).max(500).default(100).describe('How many at most');

/** `next` in the response of a list. */
export const nextCursor = z
  .string()
  .optional()
  .describe('The `before` or `after` of the next page; left out at the end.');

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
