import { z } from 'zod';
import { plainText } from '../text.schema.js';
import { SCOPES } from './service-key.js';

export const newKey = z.object({
  name: plainText(100).min(1),
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
});
export type NewKey = z.infer<typeof newKey>;

export const createdKey = z.object({ id: z.string(), key: z.string(), scopes: z.array(z.enum(SCOPES)) });
