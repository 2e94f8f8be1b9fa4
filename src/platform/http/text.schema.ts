import { z } from 'zod';

/**
 * PostgreSQL's `text` cannot hold U+0000, and UTF-8 cannot encode half a surrogate pair. Other control characters only mislead
 * readers.
 */
const STORABLE = /^[^\p{Cc}\p{Cs}]*$/u;

/** A schema for text of at most `max` characters that can be stored and displayed. */
export const plainText = (max: number) =>
  z.string().max(max).regex(STORABLE, { error: 'must not hold control characters' });

/** A schema for a short name that the back office chooses, as `premium-de`. */
export const shortName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, { error: 'must be 1 to 64 of a-z 0-9 _ -, and begin with a letter' });

/** How JSON.stringify writes what PostgreSQL cannot store: \u0000, and halves of surrogate pairs. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

/** Returns whether PostgreSQL can store JSON text that JSON.stringify has made. */
export const isStorableJson = (json: string): boolean => !UNSTORABLE.test(json);
