import { z } from 'zod';
import { plainText } from '../../http/text.schema.js';
import { SCOPES } from './service-key.js';

/** The body of a request for a new service key. */
export const newServiceKeyBody = z
  .strictObject({
    name: plainText(100).min(1).describe('For people: whose key it is'),
    scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length).describe('What it may do'),
  })
  .meta({ id: 'NewServiceKey', examples: [{ name: 'shop', scopes: ['publish'] }] });
/** The validated body. */
export type NewServiceKeyBody = z.infer<typeof newServiceKeyBody>;

/** The response to it, which alone contains the key. */
export const createdServiceKey = z
  .object({
    id: z.string().describe('Names the key, and is no secret'),
    key: z.string().describe('Shown once, here'),
    scopes: z.array(z.enum(SCOPES)),
  })
  .meta({ id: 'CreatedServiceKey' });
