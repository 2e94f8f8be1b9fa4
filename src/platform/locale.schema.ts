import { z } from 'zod';
import { canonicalLocale } from './canonical-locale.js';

/** A language tag. */
export const locale = z
  .string()
  .max(35)
  .refine((tag) => canonicalLocale(tag) !== undefined, { error: 'must be a BCP 47 tag, as de-CH' });
