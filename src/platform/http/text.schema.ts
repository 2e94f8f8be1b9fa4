import { z } from 'zod';

/** PostgreSQL's text holds no zero character, and UTF-8 no half of a surrogate pair; other control characters only mislead. */
const STORABLE = /^[^\p{Cc}\p{Cs}]*$/u;

/** Text that can be stored and shown, of at most so many characters. */
export const plainText = (max: number) =>
  z.string().max(max).regex(STORABLE, { error: 'must not hold control characters' });

/** As JSON.stringify writes what PostgreSQL cannot store: \u0000, and halves of surrogate pairs. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

/** Whether JSON text, as JSON.stringify makes it, can be stored. */
export const isStorableJson = (json: string): boolean => !UNSTORABLE.test(json);
