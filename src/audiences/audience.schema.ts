import { z } from 'zod';
import { instant } from '../platform/auth/ids.schema.js';
import { cursorOf, listLimit, nextCursor } from '../platform/http/cursor.schema.js';
import { shortName } from '../platform/http/text.schema.js';
import { audienceRule } from './rule/audience-rule.schema.js';

/** An audience's name, chosen by the back office. */
export const audienceName = shortName.meta({
  description: 'An audience, as the back office named it',
  examples: ['premium-de'],
});

/** Body of `PUT /v1/audiences/{name}`. */
export const audienceBody = z
  .strictObject({
    rule: audienceRule.optional().describe('Without it the audience is a list, whose members are uploaded'),
  })
  .meta({
    id: 'NewAudience',
    examples: [
      { rule: { all: [{ plan: ['premium'] }, { locale: ['de'] }, { lastSeen: { withinDays: 30 } }] } },
    ],
  });
export type AudienceBody = z.infer<typeof audienceBody>;

/** Response of `PUT` and `GET /v1/audiences/{name}`. */
export const audienceResponse = z
  .object({
    name: audienceName,
    kind: z.enum(['rule', 'list']),
    rule: z.record(z.string(), z.unknown()).nullable().describe('As it was put; null for a list'),
    members: z.int().nullable().describe('Of a list; null for a rule, whose members are not stored'),
    updatedAt: instant,
  })
  .meta({ id: 'Audience' });

/** Query of `GET /v1/audiences`. */
export const audiencesQuery = z.strictObject({
  after: cursorOf(z.tuple([z.string().max(64)])).optional(),
  limit: listLimit,
});
export type AudiencesQuery = z.output<typeof audiencesQuery>;

/** Response of `GET /v1/audiences`: by name. */
export const audienceList = z
  .object({ audiences: z.array(audienceResponse), next: nextCursor })
  .meta({ id: 'Audiences' });

/** Response of `POST /v1/audiences/{name}/estimate`. */
export const audienceEstimate = z
  .object({
    name: audienceName,
    size: z.int().describe('How many members it has about now'),
    margin: z.int().describe('The true number is likely (95 %) to be no further away'),
    isExact: z
      .boolean()
      .describe('Of a rule: all users were looked at, since there are few. Of a list: always, it is counted'),
    sampled: z.int().describe('Members who were looked at; 0 for a list, which is counted'),
  })
  .meta({ id: 'AudienceEstimate' });
