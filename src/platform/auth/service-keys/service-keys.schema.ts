import { z } from 'zod';
import { cursorOf, listLimit, nextCursor } from '../../http/cursor.schema.js';
import { plainText } from '../../http/text.schema.js';
import { instant, storableInstant } from '../ids.schema.js';
import { SCOPES } from './service-key.js';

const scopes = z.array(z.enum(SCOPES));

/** The body of a request for a new service key. */
export const newServiceKeyBody = z
  .strictObject({
    name: plainText(100).min(1).describe('For people: whose key it is'),
    scopes: scopes.min(1).max(SCOPES.length).describe('What it may do'),
    expiresAt: instant
      .optional()
      .describe('From then on the key is refused; without it, until it is revoked'),
  })
  .meta({ id: 'NewServiceKey', examples: [{ name: 'shop', scopes: ['publish'] }] });
/** The validated body. */
export type NewServiceKeyBody = z.infer<typeof newServiceKeyBody>;

/** The response to it, which alone contains the key. */
export const createdServiceKey = z
  .object({
    id: z.string().describe('Names the key, and is no secret'),
    key: z.string().describe('Shown once, here'),
    scopes,
    expiresAt: instant.optional(),
  })
  .meta({ id: 'CreatedServiceKey' });

/** The response of GET /v1/keys/{id}. */
export const describedServiceKey = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes,
    createdAt: instant,
    expiresAt: instant.nullable(),
    lastUsedAt: instant.nullable().describe('To the minute'),
    revokedAt: instant.nullable(),
  })
  .meta({ id: 'ServiceKey' });

/** The query of GET /v1/keys. */
export const serviceKeysQuery = z.strictObject({
  before: cursorOf(z.tuple([storableInstant, z.string()])).optional(),
  limit: listLimit,
});
export type ServiceKeysQuery = z.infer<typeof serviceKeysQuery>;

/** The response of GET /v1/keys. */
export const serviceKeyList = z
  .object({ keys: z.array(describedServiceKey), next: nextCursor })
  .meta({ id: 'ServiceKeys' });
