import { z } from 'zod';
import { SCOPES } from './service-key.js';

export const newKey = z.object({
  name: z.string().min(1).max(100),
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
});
export type NewKey = z.infer<typeof newKey>;

export const createdKey = z.object({ id: z.string(), key: z.string(), scopes: z.array(z.enum(SCOPES)) });
