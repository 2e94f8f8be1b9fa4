import { z } from 'zod';
import { userId } from '../platform/auth/ids.schema.js';
import { plainText } from '../platform/http/text.schema.js';

/** What can be found by its id. */
const KINDS = [
  'user',
  'device',
  'event',
  'stream',
  'webhook',
  'customer',
  'subscription',
  'plan',
  'key',
] as const;
/** One of KINDS. */
export type FoundKind = (typeof KINDS)[number];

/** The query of GET /v1/search. */
export const searchQuery = z.strictObject({
  q: plainText(512)
    .min(1)
    .meta({ description: 'A whole id; of a plan a price as well', examples: ['ada'] }),
  userId: userId
    .optional()
    .describe('Devices and events are known by their user: they are found only among those of this one'),
});
export type SearchQuery = z.infer<typeof searchQuery>;

const searchResult = z.object({
  kind: z.enum(KINDS),
  id: z.string(),
  userId: z.string().optional().describe('Whose it is'),
  url: z.string().describe('Where more of it is read'),
});
export type SearchResult = z.infer<typeof searchResult>;

/** The response of GET /v1/search. */
export const searchResults = z.object({ results: z.array(searchResult) }).meta({ id: 'SearchResults' });
